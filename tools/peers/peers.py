"""peers.py - what Python's two process pools do when something goes wrong.

    python3 peers.py pool|executor SCENE

Plays one scene and prints what it saw, fact by fact, so that a scene that hangs has told all that came before: what
is missing then is what hung. The same scenes as in here.c, with the calls a program would make; nothing is tuned,
the start method is this Python's own. It runs in a folder of its own with a pipe `ready`, where tasks tell that they
have begun; it makes `struck` there at the moment of the event, and `open` to let tasks go that hold on.
"""

import concurrent.futures
import multiprocessing
import os
import platform
import random
import signal
import sys
import time

WORKERS, OTHERS, NAPS = 2, 6, 6
PATIENCE = 2.0  # seconds, after which an answer is said never to come
TIMEOUTS = (TimeoutError, multiprocessing.TimeoutError, concurrent.futures.TimeoutError)


# --- Tasks -----------------------------------------------------------------------------------------


def report(word):
    fd = os.open("ready", os.O_RDWR)  # so that it never blocks, whether anybody reads or not
    os.write(fd, f"{word} {os.getpid()}\n".encode())
    os.close(fd)


def note(name):
    with open(name, "a") as file:
        file.write("x\n")


def square(x):
    return x * x


def hold(word):
    report(word)
    while not os.path.exists("open"):
        time.sleep(0.01)


def nap(_):
    report("nap")
    time.sleep(1.5)
    note("finished")


def forever(_=None):
    report("forever")
    while True:
        time.sleep(1)


def fail_to_start():
    note("started")
    raise RuntimeError("no database")


# --- The two pools ---------------------------------------------------------------------------------


class Pool:
    def __init__(self, initializer=None):
        self.pool = multiprocessing.Pool(WORKERS, initializer)

    def submit(self, task, arg=None, callback=None):
        return self.pool.apply_async(task, (arg,), callback=callback)

    def get(self, handle, seconds):
        return handle.get(seconds)

    def cancel(self, handle):
        return False  # there is no such call

    def end(self):
        self.pool.terminate()
        self.pool.join()

    @staticmethod
    def map(task):
        with multiprocessing.Pool(WORKERS) as pool:
            pool.map(task, range(NAPS), 1)


class Executor:
    def __init__(self, initializer=None):
        self.executor = concurrent.futures.ProcessPoolExecutor(WORKERS, initializer=initializer)

    def submit(self, task, arg=None, callback=None):
        future = self.executor.submit(task, arg)
        if callback:
            future.add_done_callback(callback)
        return future

    def get(self, future, seconds):
        return future.result(seconds)

    def cancel(self, future):
        return future.cancel()

    def end(self):
        getattr(self.executor, "kill_workers", lambda: None)()  # from Python 3.14 on
        self.executor.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def map(task):
        with concurrent.futures.ProcessPoolExecutor(WORKERS) as executor:
            list(executor.map(task, range(NAPS)))


# --- What a scene is made of -----------------------------------------------------------------------

ready = -1
until = 0.0


def fact(name, value):
    print(f"{name}={value}", end=" ", flush=True)


def be_patient():
    """What has not come when PATIENCE is over from here on never comes."""
    global until
    until = time.monotonic() + PATIENCE


def strike():
    """The event."""
    note("struck")
    be_patient()


def begun(count):
    """Waits for so many tasks to begin; returns which runs in which process."""
    pids = {}
    while len(pids) < count:
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(ready, 1)
        word, pid = line.decode().split()
        pids[word] = int(pid)
    return pids


def state(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    while state(pid) != "Z":
        time.sleep(0.01)


def outcome(pool, handle):
    """What became of a task: done, fail or hang, and the error."""
    if isinstance(handle, Exception):
        return "fail", handle
    try:
        pool.get(handle, max(until - time.monotonic(), 0.001))
        return "done", None
    except TIMEOUTS:
        return "hang", None
    except Exception as error:
        return "fail", error


def hand_over(pool, count):
    handles = []
    for i in range(count):
        try:
            handles.append(pool.submit(square, i))
        except Exception as error:
            handles.append(error)
    return handles


def tally(pool, handles):
    outcomes = {outcome(pool, handle)[0] for handle in handles}
    if len(outcomes) == 1:
        return outcomes.pop()
    return "some_hang" if "hang" in outcomes else "some_fail"


def end(pool, word="done"):
    try:
        pool.end()
    except Exception:
        word = "fail"
    fact("end", word)


def finish(pool, word="done"):
    be_patient()
    fact("later", tally(pool, hand_over(pool, OTHERS)))
    end(pool, word)


# --- Scenes ----------------------------------------------------------------------------------------


def busy(kind):
    pool = kind()
    victim, beside = pool.submit(hold, "victim"), pool.submit(hold, "beside")
    pid = begun(2)["victim"]
    others = [beside] + hand_over(pool, OTHERS)
    strike()
    kill(pid)
    note("open")
    what, error = outcome(pool, victim)
    text = f"{error} {error.__cause__}" if error else ""
    fact("task", "named" if str(pid) in text and "SIGKILL" in text else what)
    fact("others", tally(pool, others))
    finish(pool)


def idle(kind):
    pool = kind()
    handles = [pool.submit(hold, "one"), pool.submit(hold, "two")]
    pids = list(begun(2).values())
    note("open")
    for handle in handles:
        pool.get(handle, None)
    asleep = 0
    while asleep < 10:  # looks in a row
        asleep = asleep + 1 if all(state(pid) == "S" for pid in pids) else 0
        time.sleep(0.01)
    strike()
    kill(random.choice(pids))
    finish(pool)


def init(kind):
    strike()
    pool = kind(fail_to_start)
    fact("open", "done")
    what, error = outcome(pool, hand_over(pool, 1)[0])
    fact("task", what)
    if error:
        fact("why", "error" if "no database" in f"{error} {error.__cause__}" else "no")
    with open("started") as file:
        started = len(file.readlines())
    if started > WORKERS:
        fact("forks", started)
    end(pool)


def struck_by_others(kind):
    kind.map(nap)


def orphan(kind):
    kind.map(forever)


def limit(kind):
    pool = kind()
    endless = pool.submit(forever)
    pid = begun(1)["forever"]
    others = hand_over(pool, OTHERS)
    strike()
    try:
        pool.get(endless, 0.3)
    except TIMEOUTS:
        pass
    pool.cancel(endless)
    fact("others", tally(pool, others))
    runs = state(pid) != "Z"
    fact("task", "goes_on" if runs else "ended")
    finish(pool, "ends_it" if runs else "done")


def raises(kind):
    def callback(_):
        raise RuntimeError("no more disk")

    pool = kind()
    strike()
    fact("task", outcome(pool, pool.submit(square, 1, callback))[0])
    finish(pool)


def wait(kind):
    pool = kind()
    returned = []

    def callback(_):
        returned.append(pool.get(pool.submit(square, 2), None))

    strike()
    what = outcome(pool, pool.submit(square, 1, callback))[0]
    fact("call", "done" if returned else "hang")
    fact("task", what)
    finish(pool)


def slow(kind):
    pool = kind()
    over = []

    def callback(_):
        note("open")
        time.sleep(0.5)
        over.append(True)

    other = pool.submit(hold, "other")
    begun(1)
    strike()
    pool.submit(square, 1, callback)
    pool.get(other, None)
    fact("other", "after" if over else "during")


SCENES = {
    "busy": busy,
    "idle": idle,
    "init": init,
    "group": struck_by_others,
    "alone": struck_by_others,
    "orphan": orphan,
    "limit": limit,
    "raise": raises,
    "wait": wait,
    "slow": slow,
}

if __name__ == "__main__":
    if sys.argv[1:] == ["version"]:
        print(f"Python {platform.python_version()}, start method {multiprocessing.get_start_method()}")
        sys.exit(0)
    kind, scene = {"pool": Pool, "executor": Executor}[sys.argv[1]], sys.argv[2]
    if scene not in ("group", "alone", "orphan"):  # there, others read it
        ready = os.open("ready", os.O_RDWR)
    SCENES[scene](kind)
    sys.stdout.flush()
    os._exit(0)
