"""What is predicted: the loss for a task, the weight of each class, and the unit of a number."""
