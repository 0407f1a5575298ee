"""Workers: they take jobs and make films, each in a process that can be killed."""
