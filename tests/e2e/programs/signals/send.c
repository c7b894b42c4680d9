/* Sending, blocking, queueing. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define SET_BYTES 8

static void raising_runs_the_handler_before_it_returns(void)
{
    handle(SIGUSR1, 0, NULL);
    CHECK(!raise(SIGUSR1) && count == 1 && noted[0] == SIGUSR1);
    CHECK(!kill(getpid(), SIGUSR1) && count == 2);
    CHECK(!kill(0, SIGUSR1) && count == 3);
    CHECK(!kill(getpid(), 0) && count == 3);
}

static void handler_is_told_who_sent_it(void)
{
    handle(SIGUSR1, 0, NULL);
    kill(getpid(), SIGUSR1);
    CHECK(last.si_signo == SIGUSR1 && last.si_code == SI_USER && last.si_pid == getpid());
    raise(SIGUSR1);
    CHECK(last.si_code == SI_TKILL && last.si_pid == getpid() && last.si_uid == getuid());
    CHECK(!sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77}));
    CHECK(last.si_code == SI_QUEUE && last.si_value.sival_int == 77 && last.si_pid == getpid());
}

static void blocked_signal_waits_and_comes_once(void)
{
    sigset_t set;

    handle(SIGUSR1, 0, NULL);
    block(SIGUSR1);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(!sigpending(&set) && sigismember(&set, SIGUSR1) && !sigismember(&set, SIGUSR2) && !count);
    unblock(SIGUSR1);
    CHECK(count == 1 && !sigpending(&set) && !sigismember(&set, SIGUSR1));
}

static void real_time_signals_come_as_often_as_sent_and_in_order(void)
{
    static int values[8];
    int first = SIGRTMIN + 1, second = SIGRTMIN + 2;

    handle(second, 0, NULL);
    handle(first, 0, NULL);
    block(first);
    block(second);
    for (int i = 0; i < 3; i++) {
        CHECK(!sigqueue(getpid(), second, (union sigval){.sival_int = 10 + i}));
        CHECK(!sigqueue(getpid(), first, (union sigval){.sival_int = i}));
    }
    for (int i = 0; i < 6; i++) {
        sigset_t set;
        siginfo_t info;

        sigemptyset(&set);
        sigaddset(&set, first);
        sigaddset(&set, second);
        CHECK(sigwaitinfo(&set, &info) == (i < 3 ? first : second));
        values[i] = info.si_value.sival_int;
        CHECK(info.si_code == SI_QUEUE);
    }
    CHECK(values[0] == 0 && values[1] == 1 && values[2] == 2 && values[3] == 10 && values[5] == 12);
    for (int i = 0; i < 5; i++)
        sigqueue(getpid(), first, (union sigval){.sival_int = i});
    unblock(first);
    unblock(second);
    CHECK(count == 5);
}

static void ignored_signals_leave_no_trace(void)
{
    sigset_t set;

    block(SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    kill(getpid(), SIGUSR1);
    CHECK(!sigpending(&set) && sigismember(&set, SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    CHECK(!sigpending(&set) && !sigismember(&set, SIGUSR1));
    unblock(SIGUSR1);
    CHECK(!raise(SIGUSR1) && !raise(SIGCHLD) && !raise(SIGWINCH) && !raise(SIGURG) && !raise(SIGCONT));
    signal(SIGPIPE, SIG_IGN);
    CHECK(!raise(SIGPIPE));
    signal(SIGPIPE, SIG_DFL);
}

static void actions_are_given_back_as_they_were_set(void)
{
    struct sigaction action = {.sa_flags = SA_RESTART | SA_SIGINFO | SA_NODEFER}, old;

    action.sa_sigaction = note;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGHUP);
    CHECK(!sigaction(SIGUSR2, &action, NULL) && !sigaction(SIGUSR2, NULL, &old));
    CHECK(old.sa_sigaction == note && (old.sa_flags & ~0x04000000) == action.sa_flags);
    CHECK(sigismember(&old.sa_mask, SIGHUP) && !sigismember(&old.sa_mask, SIGTERM));
    CHECK(signal(SIGUSR2, SIG_DFL) == (void (*)(int))(void (*)(void))note);
    CHECK(signal(SIGUSR2, SIG_DFL) == SIG_DFL);
}

static void kill_and_stop_cannot_be_had(void)
{
    sigset_t all, got;

    CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);
    CHECK(signal(SIGSTOP, SIG_IGN) == SIG_ERR && errno == EINVAL);
    sigfillset(&all);
    CHECK(!sigprocmask(SIG_SETMASK, &all, NULL) && !sigprocmask(SIG_BLOCK, NULL, &got));
    CHECK(sigismember(&got, SIGTERM) && !sigismember(&got, SIGKILL) && !sigismember(&got, SIGSTOP));
    sigemptyset(&all);
    CHECK(!sigprocmask(SIG_SETMASK, &all, NULL));
}

static void bad_arguments_are_refused(void)
{
    uint64_t words[20] = {0};
    int me = getpid();

    CHECK_ERRNO(kill(me, 65), EINVAL);
    CHECK_ERRNO(kill(me, -1), EINVAL);
    CHECK_ERRNO(kill(4000000, 0), ESRCH);
    CHECK_ERRNO(kill(-4000000, SIGTERM), ESRCH);
    CHECK_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_tkill, 4000000, 0), ESRCH);
    CHECK_ERRNO(syscall(SYS_tgkill, me, -1, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, 4000000, me, SIGTERM), ESRCH);
    CHECK_ERRNO(syscall(SYS_tgkill, me, me, 100), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, me, SIGUSR1, GARBAGE), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 4000000, SIGUSR1, words), EPERM);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, me, me, SIGUSR1, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, me, 0, SIGUSR1, words), EINVAL);
}

static void bad_pointers_and_sizes_are_refused(void)
{
    uint64_t words[20] = {0};

    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, GARBAGE, NULL, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, GARBAGE, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, words, 16), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, 0, NULL, words, SET_BYTES), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, words, SET_BYTES), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, GARBAGE, NULL, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, (void *)8, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 99, words, NULL, SET_BYTES), EINVAL);
    CHECK(!syscall(SYS_rt_sigprocmask, 99, NULL, words, SET_BYTES));
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, words, NULL, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigpending, GARBAGE, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigpending, words, 16), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, GARBAGE, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, words, 7), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, GARBAGE, NULL, NULL, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, words, NULL, GARBAGE, SET_BYTES), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, words, NULL, words, 9), EINVAL);
    CHECK_ERRNO(syscall(SYS_sigaltstack, GARBAGE, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_sigaltstack, NULL, GARBAGE), EFAULT);
}

const struct claim send_claims[] = {
    CLAIM(raising_runs_the_handler_before_it_returns),
    CLAIM(handler_is_told_who_sent_it),
    CLAIM(blocked_signal_waits_and_comes_once),
    CLAIM(real_time_signals_come_as_often_as_sent_and_in_order),
    CLAIM(ignored_signals_leave_no_trace),
    CLAIM(actions_are_given_back_as_they_were_set),
    CLAIM(kill_and_stop_cannot_be_had),
    CLAIM(bad_arguments_are_refused),
    CLAIM(bad_pointers_and_sizes_are_refused),
    {NULL, NULL},
};
