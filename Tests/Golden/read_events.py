"""Prints what TensorBoard reads in a folder of event files: the scalars of each tag, as [step, value], in JSON."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
scalars = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
with open(sys.argv[2], "w") as file:
    json.dump(scalars, file)
