/*
 * Answers to exercise 11, for make verify: each is what stands in the hole. A
 * wrong one is followed by the test that has to name its fault; the first three
 * are the mistakes that every exercise is tried with, as far as they fit here.
 */

/* wrong, replaced: waits for one after the other */
    struct sigaction action = { .sa_handler = note_signal };
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    for (int i = 0, status; i < p->n && !interrupted; i++) {
        while (!interrupted && waitpid(p->pid[i], &status, 0) == p->pid[i] && WIFSIGNALED(status) && !interrupted)
            start(p, i);
    }
    for (int i = 0; i < p->n && interrupted; i++) {
        kill(p->pid[i], SIGKILL);
        waitpid(p->pid[i], NULL, 0);
    }
    return interrupted ? 130 : 0;

/* wrong, all-done: does not wait */
    (void)p, (void)start, (void)note_signal;
    return interrupted ? 130 : 0;

/* wrong, all-done: does not wait for the last */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n - 1, status;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !interrupted) {
        pid_t pid = waitpid(-1, &status, 0);
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status) && !interrupted)
                start(p, i);
        left -= pid > 0 && WIFEXITED(status);
    }
    for (int i = 0; i < p->n; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return interrupted ? 130 : 0;

/* wrong, failure-is-an-end: replaces those that fail, too */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status, again = 0;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !interrupted) {
        pid_t pid = waitpid(-1, &status, 0);
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && status != 0 && !interrupted && again++ < 5)
                start(p, i), left++;
        left -= pid > 0;
    }
    for (int i = 0; i < p->n && interrupted; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return interrupted ? 130 : 0;

/* wrong, replaced: replaces nobody */
    struct sigaction action = { .sa_handler = note_signal };
    (void)start;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    for (int left = p->n; left > 0 && !interrupted;)
        left -= waitpid(-1, NULL, 0) > 0;
    for (int i = 0; i < p->n && interrupted; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return interrupted ? 130 : 0;

/* wrong, sigint-ends: the wait is begun anew behind the handler */
    int left = p->n, status;
    signal(SIGINT, note_signal);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !interrupted) {
        pid_t pid = waitpid(-1, &status, 0);
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status) && !interrupted)
                start(p, i), left++;
        left -= pid > 0;
    }
    for (int i = 0; i < p->n && interrupted; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return interrupted ? 130 : 0;

/* wrong, sigint-ends: the flag is not read */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0) {
        pid_t pid = waitpid(-1, &status, 0);
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status))
                start(p, i), left++;
        left -= pid > 0;
    }
    return 0;

/* wrong, sigint-ends: 1 instead of 130 */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !interrupted) {
        pid_t pid = waitpid(-1, &status, 0);
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status) && !interrupted)
                start(p, i), left++;
        left -= pid > 0;
    }
    for (int i = 0; i < p->n && interrupted; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return interrupted ? 1 : 0;

/* wrong, ctrl-c: replaces those that Ctrl+C killed, and then stops */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    while (left > 0 && !interrupted) {
        sigsuspend(&p->mask);
        usleep(50000);
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; left--)
            for (int i = 0; i < p->n; i++)
                if (p->pid[i] == pid && WIFSIGNALED(status))
                    start(p, i), left++;
    }
    usleep(interrupted ? 200000 : 0);
    for (int i = 0; i < p->n && interrupted; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return interrupted ? 130 : 0;

/* wrong, other-signal: whatever interrupts the wait is taken for Ctrl+C */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status, stop = 0;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !stop) {
        pid_t pid = waitpid(-1, &status, 0);
        stop = (pid < 0 && errno == EINTR) || interrupted;
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status) && !stop)
                start(p, i), left++;
        left -= pid > 0;
    }
    for (int i = 0; i < p->n && stop; i++)
        kill(p->pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return stop ? 130 : 0;

/* wrong, none-unreaped: kills, but does not wait */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !interrupted) {
        pid_t pid = waitpid(-1, &status, 0);
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status) && !interrupted)
                start(p, i), left++;
        left -= pid > 0;
    }
    for (int i = 0; i < p->n && interrupted; i++)
        kill(p->pid[i], SIGKILL);
    return interrupted ? 130 : 0;

/* wrong, none-unreaped: returns at once on SIGINT */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n, status;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0) {
        pid_t pid = waitpid(-1, &status, 0);
        if (interrupted)
            return 130;
        for (int i = 0; i < p->n && pid > 0; i++)
            if (p->pid[i] == pid && WIFSIGNALED(status))
                start(p, i), left++;
        left -= pid > 0;
    }
    return 0;

/* right: waits for the signals themselves, without a handler */
    int left = p->n, sig = 0, status;
    (void)note_signal;
    while (left > 0 && (sig = sigwaitinfo(&p->signals, NULL)) != SIGINT)
        for (pid_t pid; !interrupted && (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            for (int i = 0; i < p->n; i++) {
                sigset_t pending;
                sigpending(&pending);
                if (p->pid[i] != pid)
                    continue;
                p->pid[i] = 0;
                if (WIFEXITED(status))
                    left--;
                else if (!sigismember(&pending, SIGINT))
                    start(p, i);
            }
    for (int i = 0; i < p->n; i++)
        if (p->pid[i] > 0 && kill(p->pid[i], SIGKILL) == 0)
            waitpid(p->pid[i], NULL, 0);
    return sig == SIGINT ? 130 : 0;

/* right: looks now and then, and stops by SIGTERM */
    struct sigaction action = { .sa_handler = note_signal };
    int left = p->n;
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &p->mask, NULL);
    while (left > 0 && !interrupted) {
        usleep(10000);
        for (int i = 0; i < p->n; i++) {
            int status;
            if (p->pid[i] <= 0 || waitpid(p->pid[i], &status, WNOHANG) <= 0)
                continue;
            if (WIFEXITED(status)) {
                p->pid[i] = 0;
                left--;
            } else if (interrupted) {
                p->pid[i] = 0;
            } else {
                start(p, i);
            }
        }
    }
    for (int i = 0; i < p->n; i++)
        if (p->pid[i] > 0)
            kill(p->pid[i], SIGTERM);
    for (int i = 0; i < p->n; i++)
        if (p->pid[i] > 0)
            while (waitpid(p->pid[i], NULL, 0) < 0 && errno == EINTR)
                ;
    return interrupted ? 130 : 0;

/* right: sleeps in ppoll() with the old mask */
    struct sigaction action = { .sa_handler = note_signal, .sa_flags = SA_RESTART };
    int left = p->n, status;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    for (;;) {
        pause_until_signal:
        sigsuspend(&p->mask);
        if (interrupted)
            break;
        for (int i = 0; i < p->n; i++) {
            if (p->pid[i] == 0 || waitpid(p->pid[i], &status, WNOHANG) != p->pid[i])
                continue;
            p->pid[i] = 0;
            left -= WIFEXITED(status);
            if (!WIFEXITED(status))
                start(p, i);
        }
        if (left > 0)
            goto pause_until_signal;
        break;
    }
    for (int i = 0; i < p->n; i++)
        if (p->pid[i])
            kill(p->pid[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
    return interrupted ? 130 : 0;
