"""One training engine: a task and a schedule go in, trained modules and a history come out.

`task` says what is trained, `schedule` for how long and at which rate, `engine.train` does it; everything in this
package that learns weights step by step uses these three.
"""
