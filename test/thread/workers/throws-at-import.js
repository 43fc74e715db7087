// Fails before it can say anything.
throw new RangeError("no module today");
