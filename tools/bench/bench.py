"""bench.py - Python's own pool, multiprocessing.Pool.

The same cases as in the C programs, measured in the same way: one pass that is not timed, then one that
is, and every result looked at. Python is so much slower that it gets fewer items where a million would take
minutes, and the time is divided by their number. It loses nothing by that: its cost of a task grows a little
with the number of tasks waiting. Workers are forked, which is the fastest start it has.

Called with the name of a case, this prints nanoseconds per operation (idle_worker: bytes); without, it says which cases there are.
"""

import multiprocessing
import os
import platform
import sys
import time

TRIPS, COLD_TRIPS, TASKS, ITEMS, RESTARTS, POOLS = 1000, 100, 10000, 1000000, 60, 8
LARGE = 256 << 20
SHORT = os.environ.get("SHORT", "") not in ("", "0")
CORES = sorted(os.sched_getaffinity(0))
Pool = multiprocessing.get_context("fork").Pool


def count(n):
    return max(1, n // 20) if SHORT else n


def square(x):
    return x * x


def check(good):
    if not good:
        sys.exit("bench: python: wrong result")


def to_last_core():
    os.sched_setaffinity(0, CORES[-1:])


def apply():
    with Pool(len(CORES)) as pool:
        n = count(TRIPS)
        for i in range(-n // 10, n):  # below 0: the warm-up
            if i == 0:
                start = time.perf_counter_ns()
            check(pool.apply(square, (i,)) == i * i)
        return (time.perf_counter_ns() - start) / n


def cold(pool):
    took = []
    for i in range(count(COLD_TRIPS)):
        time.sleep(0.002)  # nobody spins here: what waits, sleeps
        start = time.perf_counter_ns()
        result = pool.apply(square, (i,))
        took.append(time.perf_counter_ns() - start)
        check(result == i * i)
    return sorted(took)[len(took) // 2]


def apply_cold():
    with Pool(len(CORES), to_last_core) as pool:
        os.sched_setaffinity(0, CORES[:1])
        return cold(pool)


def apply_cold_unpinned():
    with Pool(len(CORES)) as pool:
        return cold(pool)


def batch(run, n):
    numbers = list(range(n))
    squares = [x * x for x in numbers]
    for _ in range(2):
        start = time.perf_counter_ns()
        results = run(numbers)
        took = time.perf_counter_ns() - start
        check(results == squares)
    return took / n


def apply_async(workers=len(CORES)):
    with Pool(workers) as pool:

        def run(numbers):
            results = [pool.apply_async(square, (x,)) for x in numbers]
            return [result.get() for result in results]

        return batch(run, count(TASKS))


def async_4():
    return apply_async(4)


def async_16():
    return apply_async(16)


def map_default():
    with Pool(len(CORES)) as pool:
        return batch(lambda numbers: pool.map(square, numbers), count(ITEMS))


def map_chunk1():
    with Pool(len(CORES)) as pool:
        return batch(lambda numbers: pool.map(square, numbers, 1), count(TASKS))


def imap():
    with Pool(len(CORES)) as pool:
        return batch(lambda numbers: list(pool.imap(square, numbers)), count(TASKS))


def restart():
    with Pool(1, maxtasksperchild=1) as pool:
        return batch(lambda numbers: pool.map(square, numbers, 1), count(RESTARTS))


def skewed(item):
    if item < 2:
        time.sleep(0.025 if SHORT else 0.5)
    return item


def skew():
    with Pool(len(CORES)) as pool:
        start = time.perf_counter_ns()
        results = pool.map(skewed, range(32))
        took = time.perf_counter_ns() - start
        check(results == list(range(32)))
        return took


def fill(byte):
    return bytes([byte]) * count(LARGE)


def large(passes=3):
    took = []
    with Pool(len(CORES)) as pool:
        for byte in range(passes):
            start = time.perf_counter_ns()
            result = pool.apply(fill, (byte,))
            took.append(time.perf_counter_ns() - start)
            check(result.count(byte) == count(LARGE))
            del result
    return sum(took[1:] or took) / len(took[1:] or took)


def large_first():
    return large(1)


def put_part(queue, n):
    for i in range(n):
        queue.put(i)


def fill_queue(queue, n):
    for _ in range(2):
        put_part(queue, n)


def queue():
    n = count(TASKS)
    queue = multiprocessing.get_context("fork").Queue(20)
    child = multiprocessing.get_context("fork").Process(target=fill_queue, args=(queue, n))
    child.start()
    for _ in range(2):
        start = time.perf_counter_ns()
        for i in range(n):
            check(queue.get() == i)
        took = time.perf_counter_ns() - start
    child.join()
    return took / n


def get_part(queue, sums, n):
    sums.put(sum(queue.get() for _ in range(n)))


def queue_many(parties=16):
    context = multiprocessing.get_context("fork")
    n = max(1, count(TASKS) // parties)
    queue, sums = context.Queue(20), context.Queue()
    parties = [context.Process(target=put_part, args=(queue, n)) for _ in range(parties)] + [
        context.Process(target=get_part, args=(queue, sums, n)) for _ in range(parties)
    ]
    start = time.perf_counter_ns()
    for party in parties:
        party.start()
    got = sum(sums.get() for _ in range(len(parties) // 2))
    took = time.perf_counter_ns() - start
    check(got == len(parties) // 2 * sum(range(n)))
    for party in parties:
        party.join()
    return took / (len(parties) // 2 * n)


def memory_of(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("Pss:"))


def idle_worker():
    with Pool(10) as pool:
        pool.map(square, range(10), 1)
        return sum(memory_of(child.pid) for child in multiprocessing.active_children()) / 10


def open_10():
    n = count(POOLS)
    took = 0
    for _ in range(n):
        start = time.perf_counter_ns()
        pool = Pool(10)
        took += time.perf_counter_ns() - start
        pool.close()
        pool.join()
    return took / (10 * n)


def open_close():
    n = count(POOLS)
    start = time.perf_counter_ns()
    for i in range(n):
        pool = Pool(4)
        check(pool.apply(square, (i,)) == i * i)
        pool.close()
        pool.join()
    return (time.perf_counter_ns() - start) / n


CASES = {
    "apply": apply,
    "apply_cold": apply_cold,
    "apply_cold_unpinned": apply_cold_unpinned,
    "apply_async": apply_async,
    "async_4": async_4,
    "async_16": async_16,
    "map": map_default,
    "map_chunk1": map_chunk1,
    "imap": imap,
    "skew": skew,
    "large": large,
    "large_first": large_first,
    "restart": restart,
    "queue": queue,
    "queue_many": queue_many,
    "open_close": open_close,
    "open_10": open_10,
    "idle_worker": idle_worker,
}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(f"Python {platform.python_version()} (multiprocessing.Pool):", *CASES)
    elif sys.argv[1] not in CASES:
        print(f"bench: python has no case '{sys.argv[1]}', only:", *CASES, file=sys.stderr)
        sys.exit(2)
    else:
        print(f"{CASES[sys.argv[1]]():.2f}")
