"""How fast this machine is at what Praxino does, each figure beside what it is compared with, in one run."""
