# Chapter 9: S19 and S31 eight starts for ten tasks, S42 a leak is bounded.

bats_require_minimum_version 1.5.0
load kit

setup_file() {
    kit_build ch09
}

# Ten runs: without its meeting points one run prints eight by luck, ten do not.
@test "eight starts when 4 lives end together, five to nine by nature; a leak of two at most" {
    for run in {1..10}; do
        kit_run -0 ch09
        {
            echo "Inputs  : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
            printf 'Starting PoolWorker-%d\n' {1..8}
            echo "Pool    : [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]"
            echo "least 5 = ceil(10/2); here 8: 4 lives end together,"
            echo "the pool refills to its size, whatever is left; most 9"
            echo "and on your machine today: <time>"
            echo "broken, MiB lost: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
            echo "cured,  MiB lost: [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]"
        } | kit_match - 'unordered=/^Starting/'
        today=$(sed -n 's/^and on your machine today: //p' <<<"$output")
        kit_that 'today >= 5 && today <= 9'
    done
}

@test "ch09: the constants work when they are changed, or are refused with words" {
    kit_altered ch09 'LIFE = 2 }' 'LIFE = 4 }'
    kit_run -0 build/ch09-altered
    assert_output --partial "least 3 = ceil(10/4); here 4: 4 lives end together,"
    kit_altered ch09 'TASKS = 10' 'TASKS = 21' 'WORKERS = 4,' 'WORKERS = 3,'
    kit_run -0 build/ch09-altered
    assert_output --partial "least 11 = ceil(21/2); here 12: 3 lives end together,"
    kit_altered ch09 'WORKERS = 4,' 'WORKERS = 2,'
    kit_run -0 build/ch09-altered
    assert_output --partial "least 5 = ceil(10/2); here 6: 2 lives end together,"
    run kit_altered ch09 'LIFE = 2 }' 'LIFE = 8 }'
    kit_that 'status != 0'
    assert_output --partial "from 8 on lives are not of the same length"
}
