/*
 * Runs libuv's tests one after another in one process; its own runner forks for each. So that each finds what
 * a new process would, the data of the library and of the tests are put back before it, and descriptors,
 * signals and the directory after it. What a test prints goes to the console, around a TAP line for each. One
 * that aborts ends the guest: start again behind it.
 *
 * Arguments: PATTERN (of names, as the shell's; `*` by default), and how many tests to pass over.
 * /left-out: a line `PATTERN why` for those that are not run.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <runner.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <task.h>
#include <unistd.h>
#include <uv.h>

#define LEFT_OUT    "/left-out"
#define DIRECTORY   "/suite" /* with test/fixtures in it */
#define DESCRIPTORS 1024
#define PROGRAM     "uv_run_tests_a"

extern char uv_data[], uv_data_end[], uv_bss[], uv_bss_end[];

static char *data_kept;

static void keep_data(void)
{
    size_t size = (size_t)(uv_data_end - uv_data);

    data_kept = malloc(size);
    if (!data_kept)
        abort();
    memcpy(data_kept, uv_data, size);
}

/* As a new process that the runner has started for this test. */
static void begin(const char *name)
{
    static char words[256]; /* in one piece, as Linux has them: the title of the process will be there */
    char *argv[] = {words, words + sizeof(PROGRAM), words + sizeof(PROGRAM) + strlen(name) + 1, NULL};

    memcpy(uv_data, data_kept, (size_t)(uv_data_end - uv_data));
    memset(uv_bss, 0, (size_t)(uv_bss_end - uv_bss));
    snprintf(words, sizeof(words), PROGRAM "%c%s%c%s", 0, name, 0, name);
    platform_init(3, argv);
    uv_setup_args(3, argv);
    if (chdir(DIRECTORY))
        perror(DIRECTORY);
}

/* As it was before the test. */
static void put_back_process(void)
{
    sigset_t none;

    for (int descriptor = 3; descriptor < DESCRIPTORS; descriptor++)
        close(descriptor);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
}

/* Why a test is not run; an empty text for one that is. */
static void left_out(const char *name, char *why, size_t size)
{
    FILE *file = fopen(LEFT_OUT, "r");
    char line[512], pattern[128];
    int at;

    why[0] = 0;
    while (file && !why[0] && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = 0;
        at = 0;
        if (line[0] != '#' && sscanf(line, "%127s %n", pattern, &at) == 1 && at && !fnmatch(pattern, name, 0))
            snprintf(why, size, "%s", line + at);
    }
    if (file)
        fclose(file);
}

int main(int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : "*";
    int over = argc > 2 ? atoi(argv[2]) : 0, number = 0, failed = 0;

    keep_data();
    for (size_t i = 0; TASKS[i].main; i++) {
        const char *name = TASKS[i].task_name;
        char why[512];
        int status;

        if (TASKS[i].is_helper || fnmatch(pattern, name, 0) || ++number <= over)
            continue;
        left_out(name, why, sizeof(why));
        if (why[0]) {
            printf("ok %d - %s # SKIP %s\n", number, name, why);
            continue;
        }
        begin(name);
        printf("# start %s\n", name);
        status = TASKS[i].main();
        put_back_process();
        failed += status != TEST_OK && status != TEST_SKIP;
        printf("%s %d - %s%s\n", status == TEST_OK || status == TEST_SKIP ? "ok" : "not ok", number, name,
               status == TEST_SKIP ? " # SKIP it says so itself" : "");
    }
    printf("1..%d\n", number);
    return failed || !number;
}
