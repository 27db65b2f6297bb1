import time


def load(order):
    time.sleep(0.06)  # FAULT
    return {"order": order}
