"""The few blocks that two parts of the network share."""
