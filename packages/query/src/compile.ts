/**
 * From the tree of an expression to what runs over rows. Fields, words and kinds are checked here, once; at run time nothing can fail: what is
 * missing is null (value.ts). The grammar is CEL's; where CEL would end with an error at a missing member, a question goes on with null.
 */
import { functionCall, methodCall } from "./calls.ts";
import { didYouMean, QueryError } from "./errors.ts";
import type { ASTNode } from "./expression.ts";
import type { Fields } from "./fields.ts";
import { arithmetic, equality, membership, order } from "./operators.ts";
import { constant, describe, fieldTerm, mustBe, type Term, unary } from "./term.ts";

/** Checks a tree. The term is true or false for each row. Throws QueryError. */
export function compile(root: ASTNode, fields: Fields): Term {
  const term = new Compiler(fields).term(root);
  if (term.kind === "flag") return term;
  throw new QueryError("wrong-kind", term.column, `expected a condition, and ${describe(term)}`);
}

/** A variable of `exists` and `all`: the item that is being looked at. */
interface Variable {
  item: string;
}

class Compiler {
  readonly #fields: Fields;
  readonly #variables = new Map<string, Variable>();

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  term(node: ASTNode): Term {
    const column = node.start + 1;
    switch (node.op) {
      case "value":
        return literal(node.args, column);
      case "id":
        return this.#named(node.args, node);
      case ".":
        return this.#named(this.#path(node), node);
      case "!_":
        return unary("flag", column, this.#flag(node.args), (value) => value !== true);
      case "-_": {
        const of = this.term(node.args);
        return arithmetic(column, "-", constant("number", column, 0), of);
      }
      case "&&":
      case "||":
        return both(column, node.op === "&&", this.#flag(node.args[0]), this.#flag(node.args[1]));
      case "?:":
        return this.#choice(node.args, column);
      case "==":
      case "!=":
        return equality(column, this.term(node.args[0]), this.term(node.args[1]), node.op === "==");
      case "<":
      case "<=":
      case ">":
      case ">=":
        return order(column, node.op, this.term(node.args[0]), this.term(node.args[1]));
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
        return arithmetic(column, node.op, this.term(node.args[0]), this.term(node.args[1]));
      case "in":
        return this.#membership(node.args[0], node.args[1], column);
      case "call":
        return functionCall(
          node.args[0],
          node.args[1].map((each) => this.term(each)),
          column,
        );
      case "rcall":
        return this.#method(node.args[0], node.args[1], node.args[2], column);
      default:
        throw new QueryError("syntax", column, `"${node.op}" has no meaning in a question about connections`);
    }
  }

  #flag(node: ASTNode): Term {
    const term = this.term(node);
    mustBe(term, ["flag"], "expected a condition");
    return term;
  }

  /** `from.address` of a chain of members; undefined when something else stands at its beginning. */
  #path(node: ASTNode): string {
    if (node.op === "id") return node.args;
    if (node.op === ".") return `${this.#path(node.args[0])}.${node.args[1]}`;
    throw new QueryError("syntax", node.start + 1, "only fields have members");
  }

  #named(path: string, { start }: ASTNode): Term {
    const column = start + 1;
    const variable = this.#variables.get(path);
    if (variable !== undefined) return { kind: "text", column, bind: () => () => variable.item };
    const field = this.#fields.get(path);
    if (field !== undefined) return fieldTerm(field, column);
    const members = this.#fields.paths.filter((each) => each.startsWith(`${path}.`));
    const why =
      members.length > 0
        ? `"${path}" is not a field by itself: ${members.slice(0, 4).join(", ")}, …`
        : `there is no field "${path}"${didYouMean(path, this.#fields.paths)}`;
    throw new QueryError("unknown-field", column, why);
  }

  #choice([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], column: number): Term {
    const [test, a, b] = [this.#flag(condition), this.term(yes), this.term(no)];
    if (a.kind !== b.kind)
      throw new QueryError("wrong-kind", b.column, `cannot choose: ${describe(a)}, ${describe(b)}`);
    return {
      kind: a.kind,
      column,
      bind: (source) => {
        const [is, left, right] = [test.bind(source), a.bind(source), b.bind(source)];
        return (row) => (is(row) === true ? left(row) : right(row));
      },
    };
  }

  #membership(item: ASTNode, list: ASTNode, column: number): Term {
    const wanted = this.term(item);
    if (list.op !== "list") return membership(column, wanted, this.term(list));
    const tests = list.args.map((each) => equality(column, wanted, this.term(each), true));
    return tests.reduce((a, b) => both(column, false, a, b), constant("flag", column, false));
  }

  #method(name: string, target: ASTNode, args: readonly ASTNode[], column: number): Term {
    const of = this.term(target);
    if (name === "exists" || name === "all") return this.#each(name, of, args, column);
    return methodCall(
      name,
      of,
      args.map((each) => this.term(each)),
      column,
    );
  }

  /** `from.names.exists(n, n.endsWith(".org"))`: for one item, or for every one. */
  #each(name: "exists" | "all", list: Term, [head, body]: readonly ASTNode[], column: number): Term {
    mustBe(list, ["texts"], `${name}() looks into a list`);
    if (head?.op !== "id" || body === undefined) {
      throw new QueryError("syntax", column, `expected ${name}(name, condition)`);
    }
    const variable: Variable = { item: "" };
    this.#variables.set(head.args, variable);
    const condition = this.#flag(body);
    this.#variables.delete(head.args);
    return {
      kind: "flag",
      column,
      bind: (source) => {
        const [items, holds] = [list.bind(source), condition.bind(source)];
        return (row) => {
          const test = (item: string): boolean => {
            variable.item = item;
            return holds(row) === true;
          };
          const values = (items(row) ?? []) as readonly string[];
          return name === "exists" ? values.some(test) : values.every(test);
        };
      },
    };
  }
}

function literal(value: unknown, column: number): Term {
  if (value === null) return constant("null", column, null);
  if (typeof value === "boolean") return constant("flag", column, value);
  if (typeof value === "bigint" || typeof value === "number") return constant("number", column, Number(value));
  if (typeof value === "string") return constant("text", column, value);
  throw new QueryError("syntax", column, "bytes have no meaning in a question about connections");
}

/** `a && b`, `a || b`: the second is looked at only when it matters. */
function both(column: number, and: boolean, a: Term, b: Term): Term {
  return {
    kind: "flag",
    column,
    bind: (source) => {
      const [left, right] = [a.bind(source), b.bind(source)];
      return and
        ? (row) => left(row) === true && right(row) === true
        : (row) => left(row) === true || right(row) === true;
    },
  };
}
