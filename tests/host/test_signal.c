/* links: signal_queue.c fake.c */
#include <posix/signals.h>

#include <errno.h>
#include <stdlib.h>

#include <posix/task.h>
#include <stardust/memory.h>

#include "fake.h"
#include "tap.h"

#define TASKS 3

struct sd_action sd_actions[SD_SIGNALS];

/* The first is the main thread; a thread without an id is none. */
static struct sd_task tasks[TASKS], *self;
static struct sd_task *told; /* the last that was interrupted */
static unsigned tellings;
static bool no_memory;
static long blocks;

void *sd_calloc(size_t count, size_t bytes)
{
    blocks += !no_memory;
    return no_memory ? NULL : calloc(count, bytes);
}

void sd_free(void *block)
{
    blocks -= block != NULL;
    free(block);
}

struct sd_task *sd_task_self(void)
{
    return self;
}

struct sd_task *sd_task_find(int id)
{
    for (int i = 0; i < TASKS; i++)
        if (tasks[i].id == id)
            return &tasks[i];
    return NULL;
}

void sd_task_each(bool (*each)(struct sd_task *task, void *arg), void *arg)
{
    for (int i = 0; i < TASKS; i++)
        if (tasks[i].id && !each(&tasks[i], arg))
            return;
}

void sd_task_interrupt(struct sd_task *task)
{
    told = task;
    tellings++;
}

static void handler(int number)
{
    (void)number;
}

static void act(int number, void (*function)(int))
{
    sd_signal_act(number, &(struct sd_action){.handler = function});
}

/* Nothing waits, every signal has a handler, nobody blocks any, and the first is running. */
static void begin(void)
{
    no_memory = false;
    for (int i = 0; i < TASKS; i++) {
        tasks[i].id = i + 1;
        sd_signals_forget(&tasks[i]);
    }
    for (int number = 1; number <= SD_SIGNALS; number++) {
        act(number, SIG_IGN);
        act(number, handler);
    }
    for (int i = 0; i < TASKS; i++)
        tasks[i] = (struct sd_task){.id = i + 1};
    self = &tasks[0];
    told = NULL;
    tellings = 0;
}

static int send(struct sd_task *task, int number, int code, int value)
{
    siginfo_t info = {.si_signo = number, .si_code = code};

    info.si_value = (union sigval){.sival_int = value};
    return sd_signal_send(task, &info);
}

static int take(struct sd_task *task, int *value)
{
    siginfo_t info = {0};
    int number = sd_signal_take(task, ~task->blocked, &info);

    if (value)
        *value = info.si_value.sival_int;
    return number;
}

TEST(standard_signal_waits_once_with_what_was_told_first)
{
    int value;

    begin();
    for (int i = 1; i <= 3; i++)
        TEST_CHECK(!send(NULL, SIGUSR1, SI_QUEUE, i));
    TEST_CHECK(blocks == 1);
    TEST_CHECK(take(self, &value) == SIGUSR1 && value == 1);
    TEST_CHECK(!take(self, NULL) && !blocks);
}

TEST(standard_signal_waits_for_thread_and_process_apart)
{
    begin();
    TEST_CHECK(!send(NULL, SIGUSR1, SI_USER, 0) && !send(self, SIGUSR1, SI_TKILL, 0));
    TEST_CHECK(take(self, NULL) == SIGUSR1 && take(self, NULL) == SIGUSR1 && !take(self, NULL));
}

TEST(real_time_signals_all_come_in_order)
{
    static const struct {
        int number, value;
    } sent[] = {{40, 1}, {36, 2}, {40, 3}, {36, 4}, {64, 5}},
      got[] = {{36, 2}, {36, 4}, {40, 1}, {40, 3}, {64, 5}};

    begin();
    for (size_t i = 0; i < 5; i++)
        TEST_CHECK(!send(NULL, sent[i].number, SI_QUEUE, sent[i].value));
    for (size_t i = 0; i < 5; i++) {
        int value, number = take(self, &value);

        TEST_CHECK(number == got[i].number && value == got[i].value, "%zu: %d %d", i, number, value);
    }
    TEST_CHECK(!take(self, NULL) && !blocks);
}

TEST(exceptions_come_first_and_low_numbers_before_high_ones)
{
    static const int sent[] = {SIGUSR2, SIGHUP, SIGSEGV, SIGFPE, SIGTERM},
                     got[] = {SIGFPE, SIGSEGV, SIGHUP, SIGUSR2, SIGTERM};

    begin();
    for (size_t i = 0; i < 5; i++)
        send(NULL, sent[i], SI_USER, 0);
    for (size_t i = 0; i < 5; i++) {
        int number = take(self, NULL);

        TEST_CHECK(number == got[i], "%zu: %d", i, number);
    }
}

TEST(threads_signals_come_before_the_processes)
{
    begin();
    send(NULL, SIGHUP, SI_USER, 0);
    send(self, SIGTERM, SI_TKILL, 0);
    TEST_CHECK(take(&tasks[1], NULL) == SIGHUP);
    send(NULL, SIGHUP, SI_USER, 0);
    TEST_CHECK(take(self, NULL) == SIGTERM && take(self, NULL) == SIGHUP);
}

TEST(blocked_signals_wait_and_are_pending)
{
    begin();
    self->blocked = sd_signal_bit(SIGUSR1);
    send(self, SIGUSR1, SI_TKILL, 0);
    TEST_CHECK(!sd_signals_wait(self) && !tellings && !take(self, NULL));
    TEST_CHECK(sd_signals_pending(self) == sd_signal_bit(SIGUSR1) && !sd_signals_pending(&tasks[1]));
    self->blocked = 0;
    sd_signals_mask_changed(self, sd_signal_bit(SIGUSR1));
    TEST_CHECK(told == self && sd_signals_wait(self) && take(self, NULL) == SIGUSR1);
}

TEST(thread_that_does_not_block_it_is_chosen)
{
    static const struct {
        bool blocks[TASKS];
        int chosen; /* its id, 0 when nobody is told */
    } rows[] = {
        {{false, false, false}, 1}, {{true, false, false}, 2}, {{true, true, false}, 3},
        {{false, true, true}, 1},   {{true, true, true}, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        self = &tasks[2];
        for (int t = 0; t < TASKS; t++)
            tasks[t].blocked = rows[i].blocks[t] ? sd_signal_bit(SIGUSR1) : 0;
        send(NULL, SIGUSR1, SI_USER, 0);
        TEST_CHECK((told ? told->id : 0) == rows[i].chosen, "row %zu: %d", i, told ? told->id : 0);
    }
}

TEST(sender_is_chosen_for_what_ends_the_program)
{
    begin();
    self = &tasks[1];
    act(SIGTERM, SIG_DFL);
    send(NULL, SIGTERM, SI_USER, 0);
    TEST_CHECK(told == self);
}

TEST(thread_that_waits_for_it_is_chosen_though_it_blocks_it)
{
    begin();
    for (int i = 0; i < TASKS; i++)
        tasks[i].blocked = sd_signal_bit(SIGUSR1);
    tasks[1].waits_for = sd_signal_bit(SIGUSR1);
    send(NULL, SIGUSR1, SI_USER, 0);
    TEST_CHECK(told == &tasks[1] && sd_signals_wait(&tasks[1]) && !sd_signals_wait(&tasks[0]));
}

TEST(signals_to_a_process_are_passed_on_when_their_thread_blocks_them_or_ends)
{
    begin();
    send(NULL, SIGUSR1, SI_USER, 0);
    TEST_CHECK(told == &tasks[0]);
    tasks[0].blocked = sd_signal_bit(SIGUSR1);
    sd_signals_mask_changed(&tasks[0], 0);
    TEST_CHECK(told == &tasks[1]);
    sd_signals_forget(&tasks[1]);
    TEST_CHECK(told == &tasks[2] && take(&tasks[2], NULL) == SIGUSR1);
}

TEST(thread_takes_its_own_signals_with_it)
{
    begin();
    for (int i = 0; i < 5; i++)
        send(&tasks[1], 50, SI_QUEUE, i);
    sd_signals_forget(&tasks[1]);
    TEST_CHECK(!blocks && !tasks[1].pending);
}

TEST(ignored_signals_are_not_kept)
{
    static const int by_default[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};

    begin();
    act(SIGUSR1, SIG_IGN);
    TEST_CHECK(!send(self, SIGUSR1, SI_TKILL, 0) && !send(NULL, SIGUSR1, SI_USER, 0));
    for (size_t i = 0; i < 4; i++) {
        act(by_default[i], SIG_DFL);
        TEST_CHECK(!send(NULL, by_default[i], SI_USER, 0), "%zu", i);
    }
    TEST_CHECK(!sd_signals_pending(self) && !tellings && !blocks);
}

TEST(ignored_signals_are_kept_where_they_are_blocked_until_they_are_not)
{
    begin();
    act(SIGCHLD, SIG_DFL);
    self->blocked = sd_signal_bit(SIGCHLD);
    send(self, SIGCHLD, SI_TKILL, 0);
    TEST_CHECK(sd_signals_pending(self) && !sd_signals_wait(self));
    self->blocked = 0;
    sd_signals_mask_changed(self, sd_signal_bit(SIGCHLD));
    TEST_CHECK(!sd_signals_pending(self) && !tellings && !blocks);
}

TEST(ignoring_drops_what_waits_everywhere)
{
    begin();
    for (int i = 0; i < TASKS; i++)
        tasks[i].blocked = UINT64_MAX;
    send(NULL, 45, SI_QUEUE, 1);
    send(&tasks[1], 45, SI_QUEUE, 2);
    send(&tasks[1], 46, SI_QUEUE, 3);
    act(45, SIG_IGN);
    TEST_CHECK(sd_signals_pending(&tasks[1]) == sd_signal_bit(46) && blocks == 1);
}

TEST(queue_has_an_end_that_only_values_notice)
{
    int sent = 0;

    begin();
    self->blocked = UINT64_MAX;
    while (!send(self, 40, SI_QUEUE, sent) && sent < 100000)
        sent++;
    TEST_CHECK(sent == 1024, "%d", sent);
    TEST_CHECK(send(self, 41, SI_QUEUE, 0) == -EAGAIN && send(self, 41, SI_TKILL, 0) == -EAGAIN);
    TEST_CHECK(!send(self, 42, SI_USER, 0) && !send(self, SIGUSR1, SI_QUEUE, 7));
    self->blocked = 0;
    TEST_CHECK(take(self, NULL) == SIGUSR1);
    for (int i = 0; i < sent; i++)
        TEST_CHECK(take(self, NULL) == 40, "%d", i);
    TEST_CHECK(take(self, NULL) == 42 && !take(self, NULL) && !blocks);
}

TEST(without_memory_signals_come_all_the_same)
{
    begin();
    no_memory = true;
    TEST_CHECK(!send(self, SIGUSR1, SI_USER, 0) && take(self, NULL) == SIGUSR1 && !take(self, NULL));
    TEST_CHECK(send(self, 40, SI_QUEUE, 0) == -EAGAIN && !take(self, NULL));
}

static unsigned taken_times;

static void on_taken(struct sd_signal *signal, siginfo_t *info)
{
    (void)signal;
    taken_times++;
    info->si_overrun = 77;
}

TEST(signal_of_one_s_own_needs_no_memory_and_tells_when_it_is_taken)
{
    struct sd_signal own = {.info = {.si_signo = SIGALRM}, .taken = on_taken};
    siginfo_t info;

    begin();
    no_memory = true;
    taken_times = 0;
    sd_signal_init(&own);
    TEST_CHECK(sd_signal_send_own(&own) == SD_SIGNAL_QUEUED && told == self);
    TEST_CHECK(sd_signal_send_own(&own) == SD_SIGNAL_WAITS_ALREADY);
    TEST_CHECK(sd_signal_take(self, UINT64_MAX, &info) == SIGALRM && info.si_overrun == 77);
    TEST_CHECK(taken_times == 1 && !sd_signals_pending(self));
    TEST_CHECK(sd_signal_send_own(&own) == SD_SIGNAL_QUEUED);
    sd_signal_withdraw(&own);
    sd_signal_withdraw(&own);
    TEST_CHECK(!sd_signals_pending(self) && taken_times == 1);
    TEST_CHECK(sd_signal_send_own(&own) == SD_SIGNAL_QUEUED);
    act(SIGALRM, SIG_IGN);
    TEST_CHECK(taken_times == 2 && !sd_signals_pending(self));
    TEST_CHECK(sd_signal_send_own(&own) == SD_SIGNAL_IGNORED);
}

TEST(one_s_own_waits_beside_the_same_signal_of_others)
{
    struct sd_signal own = {.info = {.si_signo = SIGALRM}, .taken = on_taken};

    begin();
    sd_signal_init(&own);
    send(NULL, SIGALRM, SI_USER, 0);
    TEST_CHECK(sd_signal_send_own(&own) == SD_SIGNAL_QUEUED);
    TEST_CHECK(take(self, NULL) == SIGALRM && take(self, NULL) == SIGALRM && !take(self, NULL));
}

int main(void)
{
    return tap_run();
}
