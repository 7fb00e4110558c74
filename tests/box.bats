# The box: what a program in it can do, and what becomes of it; with walls, and without.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build build/box
    cat >"$BATS_FILE_TMPDIR/bad.c" <<'END'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    const char *way = argv[argc - 1];
    char *p, name[64];
    int n = 0;
    while (!strcmp(way, "flood")) printf("still here\n");
    if (!strcmp(way, "sleep")) pause();
    while (!strcmp(way, "spin")) ;
    if (!strcmp(way, "memory")) {
        for (int i = 0; i < 3; i++) fork();
        while ((p = malloc(1 << 20))) memset(p, 1, 1 << 20);
        pause();
    }
    if (!strcmp(way, "fork")) {
        for (pid_t pid; (pid = fork()) >= 0; n++) if (!pid) pause();
        printf("%s\n", n < 60 ? "few" : "many");
    }
    if (!strcmp(way, "daemon") && !fork()) {
        setsid();
        if (!fork()) { signal(SIGTERM, SIG_IGN); for (;;) pause(); }
    }
    if (!strcmp(way, "kill")) printf("%d %d\n", kill(getppid(), SIGKILL), kill(-1, SIGSTOP));
    if (!strcmp(way, "crash")) abort();
    if (!strcmp(way, "disk"))
        for (long sum = 0; n < 100; n++) {
            sprintf(name, "/tmp/%d", n);
            int fd = open(name, O_CREAT | O_WRONLY, 0600);
            static char mib[1 << 20];
            ssize_t w = 0;
            for (int i = 0; i < 4 && (w = write(fd, mib, sizeof mib)) > 0; i++) sum += w;
            if (w <= 0) { printf("%ld MiB\n", sum >> 20); break; }
        }
    if (!strcmp(way, "look"))
        printf("%s %d %d %d\n", getenv("SECRET") ? getenv("SECRET") : "none", getuid() == 0,
               open("/etc/passwd", O_RDONLY), open("/etc/evil", O_CREAT | O_WRONLY, 0600));
    return 3;
}
END
    gcc -O0 -w -o "$BATS_FILE_TMPDIR/bad" "$BATS_FILE_TMPDIR/bad.c"
}

# boxed WAY ENDED [OUTPUT] [OPTION...]: in the box the program ends like this.
boxed() {
    local dir=$BATS_TEST_TMPDIR/box
    mkdir -p "$dir"
    run -0 "$KIT/build/run" -l -t20 "$KIT/build/box" -t 2 "${@:4}" -f "$BATS_FILE_TMPDIR/bad" "$dir" ./bad "$1"
    run -0 head -n 1 "$dir/seen"
    assert_output "ended $2"
    [[ -z ${3-} ]] || { run -0 cat "$dir/out"; assert_output --regexp "$3"; }
}

# walls: skips where there are none.
walls() {
    run -0 "$KIT/build/box" -q
    [[ $output == *walls:* ]] || skip "$output"
}

@test "behind walls: limits hold, nothing is left, nothing outside is seen or changed" {
    walls
    boxed flood overflow
    assert [ "$(stat -c %s "$BATS_TEST_TMPDIR/box/out")" = 1048576 ]
    boxed sleep timeout
    boxed spin timeout
    boxed memory memory
    boxed fork 'exit 3' '^few$'
    boxed daemon 'exit 3'
    boxed kill 'exit 3' '^0 -1$'
    boxed crash 'signal 6'
    boxed disk 'exit 3' '^1[0-9] MiB$'
    SECRET=found boxed look 'exit 3' '^none 0 -1 -1$'
}

@test "without walls: the limits hold all the same" {
    boxed flood overflow '' -l
    boxed sleep timeout '' -l
    boxed memory memory '' -l
    boxed fork 'exit 3' '^few$' -l
    boxed daemon 'exit 3' '' -l
    boxed crash 'signal 6' '' -l
    SECRET=found boxed look 'exit 3' '^none' -l
    BOX=limits run -0 "$KIT/build/box" -q
    assert_output --regexp '^limits: '
}

# a socket or FIFO of the test is found under its new name, and what is written there arrives.
bound() {
    local fifo="$BATS_TEST_TMPDIR/a fifo" dir=$BATS_TEST_TMPDIR/bound line=
    mkdir -p "$dir"
    rm -f "$fifo"
    mkfifo -m 666 "$fifo"
    exec 4<>"$fifo"
    run -0 "$KIT/build/run" -l -t20 "$KIT/build/box" "$@" -b "$fifo=told" "$dir" sh -c 'echo "from the box" >told; ls'
    run -0 cat "$dir/out" "$dir/err"
    assert_line told
    read -r -t 5 line <&4
    assert_equal "$line" "from the box"
    exec 4>&-
}

@test "a FIFO or socket from outside is in the box, with walls and without; nothing else can be brought so" {
    bound -l
    walls
    bound
    local option
    for option in /nonexistent=it "$KIT/book.md=it" nothing "$BATS_TEST_TMPDIR/a fifo=below/it"; do
        run -125 "$KIT/build/box" -b "$option" "$BATS_TEST_TMPDIR/bound" true
        assert_output --regexp '^box: '
    done
}

@test "the box says when it cannot do its work" {
    run -125 "$KIT/build/box"
    run -125 "$KIT/build/box" -t never "$BATS_TEST_TMPDIR" true
    run -125 "$KIT/build/box" -w 'hold it until later' "$BATS_TEST_TMPDIR" true
    assert_output --partial "does not understand the rule 'hold it until later'"
    run -125 "$KIT/build/box" -f /nonexistent "$BATS_TEST_TMPDIR" true
    run -125 "$KIT/build/box" -f "$BATS_TEST_TMPDIR/nothing" "$BATS_TEST_TMPDIR/no-such-directory" true
}
