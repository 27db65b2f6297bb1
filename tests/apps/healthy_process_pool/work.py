def count(most):
    total = 0
    for i in range(most):
        total += i * i
    return total
