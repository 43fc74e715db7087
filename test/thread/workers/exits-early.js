// A module that forgets to run a worker: the thread ends at once.
