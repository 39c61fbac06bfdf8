"""What each panel is for, by its title: read with "What is this?" (Shift+F1) and by screen readers."""

from __future__ import annotations

PANELS = {
    # The main window
    "Data": (
        "The rows that the network learns from: their source, their classes, how they are split into training, "
        "validation and test rows, and how they are scaled. Drop a table or a folder of pictures to use your own."
    ),
    "Layers": (
        "The network from its input to its output, a card a layer. Click one to change it; drag it, or move it "
        "by Alt+Up and Alt+Down. On the right of each stand its parameters and the shape that leaves it."
    ),
    "No layer selected": "The options of the layer that is chosen in the stack.",
    "Loss": (
        "What training makes smaller, after each batch and each epoch: on the training rows, and on the "
        "validation rows, which it never learns from. Where only the first still falls, the network overfits."
    ),
    "Accuracy": (
        "The share of rows that the network gets right, on training and validation rows. Compare it with the "
        "share of the most frequent class."
    ),
    "Mean absolute error": "By how much the network is off on average, in the unit of what it predicts.",
    "Learning rate": (
        "The size of each step: planned by the schedule, and as it really was. Drag the line while a network "
        "trains to change it."
    ),
    "Result": (
        "How good the trained network is on each part of the rows, with dropout off, and with which weights that "
        "was measured. The test rows are the honest figure: nothing was chosen by them."
    ),
    "Layer health": (
        "The size of each layer's gradients, activations and updates, epoch by epoch. A layer that fades learns "
        "nothing; one that glows may diverge."
    ),
    "Answers": "The answers of a network that predicts a number, against the true values and as what is left over.",
    "Why it diverged": "What happened when the loss became infinite or no number, and what helps.",
    "Runs": (
        "Every training in the workspace with its figures; the best of each column is bold. Click one to draw "
        "its curves, or the eye to draw it beside the chosen one."
    ),
    # Data and models
    "What follows": (
        "What becomes of the table as its columns are understood: what is predicted, from which inputs, and how the "
        "rows are split. A note with a link can be mended by it."
    ),
    "On the same test part": (
        "Both models measured on the same rows, which neither has learnt from: only such figures can be compared."
    ),
    "Other options that differ": "Settings of the two experiments, beside the layers, that are not the same.",
    # Sweeps, comparisons, transfer
    "What is varied": (
        "The fields whose values are tried: a list, or a range, even or logarithmic. Without a number of trials "
        "every combination is trained."
    ),
    "Target": "Every trial as a point: the figure that decides, against one of the fields that are varied.",
    "All settings at once": (
        "Every trial as a line through all varied fields to its figure. Draw along an axis to keep the trials of "
        "a range."
    ),
    "Trials": "Every trial with its values and figures, the best first.",
    "What mattered": (
        "How much of the differences between the trials each field explains (fANOVA). It needs 20 trials; below "
        "that the order is mostly chance."
    ),
    "Learning curves": "The mean of the seeds for each way of training, with one standard deviation around it.",
    "Mean ± standard deviation over the seeds": "The figures of each way of training, over the same seeds.",
    "Phases": "Which layers learn when: with the copied layers frozen first, then with more of them free.",
    # Your data, predicting
    "Your file": "How the file was read: its encoding, separator and decimal mark. A click on a chip changes it.",
    "Lines of the file": (
        "The first lines, under the heads of the columns. A head says what its column is for, and what it holds; "
        "click it to change either."
    ),
    "Network": "The network that is proposed for these columns, and what changes if it is used.",
    "Classes": "How many rows each class has.",
    "Augmentation": "How training rows are varied anew in every epoch. Validation and test rows stay as they are.",
    "One picture, as training might see it": "The same picture with several draws of the changes.",
    "What each pass said": "The answers of the passes with dropout active, class by class.",
    "What if": "Change the values of the case, and see what the network answers then.",
    # Uncertainty
    "Test images": "The test images, the least certain first. Choose one to see what was said of it.",
    "Test rows": "The test rows, the least certain first. Choose one to see what was said of it.",
    "This row": "The values of the chosen row, with the names of their columns.",
    "What it said": (
        "For each class the probabilities of all answers: narrow where they agree, wide where they differ."
    ),
    "No spread to show": "A network without dropout answers the same in every pass.",
    "How unsure": (
        "How wide the answers are (predictive entropy), how much of that is in the picture itself (expected "
        "entropy), and how much the answers disagree (mutual information), in nats."
    ),
    "Enough passes?": "How the mean answer changes with their number: once it is flat, more change nothing.",
    "Unsure alike": "Other rows whose uncertainty is about as large.",
    "Labelled and said": "The confusion matrix: rows of each class, by what the network said.",
    "Class by class": "Precision, recall and F1 of each class, and how many rows stand behind them.",
    "Worth a look": "Wrong answers that the network was most certain of: often wrong labels.",
    "How often it was right": (
        "Rows grouped by confidence, and how often the answers of each group were right. On the diagonal, 80 % "
        "sure means right in 80 of 100."
    ),
    "Figures": "Calibration in numbers: smaller is better.",
    "Temperature": (
        "One number that makes the probabilities of all rows softer or sharper, chosen on the validation rows."
    ),
    "Scores of both": "How uncertain the network is on the test rows, and on rows that differ from its training.",
    "Against severity": "How accuracy and uncertainty change as the rows are changed more and more.",
    "Does it notice?": (
        "How well uncertainty tells changed rows from usual ones: AUROC, and the false alarms at 95 % found."
    ),
    "What is changed": "How the test rows are changed, or which other rows are shown instead.",
    "What it saw": "Some of the changed rows, with their scores.",
    "What mistakes cost": "What a wrong answer costs beside asking a person: the threshold follows from it.",
    "What is aimed at": "The error or the share of answered rows that the threshold should reach.",
    "To a person": "The rows that the threshold would hand to a person.",
    "Error against coverage": "The error among the answered rows, as more of them are answered.",
    "How often the set holds the label": (
        "The promise of conformal prediction, checked: how often the set of answers holds the true one, in all "
        "and class by class."
    ),
    "How large the sets are": "How many classes a set holds: one is a clear answer, many say that it does not know.",
    "Coverage against promise": (
        "How often the intervals hold the true value, for each share that could be promised: on the line as often as "
        "promised, below it less often."
    ),
    "Predicted and true": "The answer of each test row against its true value.",
}


def text_of(title: str) -> str:
    """What the panel of this title is for; "" for one that is not known."""
    return PANELS.get(title, "")
