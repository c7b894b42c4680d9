/* What the claims of this program stand on. */
#ifndef CHECK_H
#define CHECK_H

#include "../../claims.h"

#include <signal.h>
#include <stdint.h>
#include <time.h>

/* Each ends with an entry without a name. */
extern const struct claim send_claims[], handler_claims[], wait_claims[], fault_claims[], time_claims[],
    thread_claims[];

/* modes.c: what ends the program. False for an unknown name. */
bool run_mode(const char *name);

/* ---- what the claims share ---- */

#define GARBAGE ((void *)0x7800000000)
#define MS      1000000ll

/* The signals that note() was called for, in their order, and what the last was told. */
extern volatile int noted[64];
extern volatile int count;
extern siginfo_t last;

void forget(void);
void note(int number, siginfo_t *info, void *context);

/* Handles the signal by `handler`, with note when it is NULL. Gives forget() a call. */
void handle(int number, int flags, void (*handler)(int number, siginfo_t *info, void *context));

/* One signal, blocked or not. */
void block(int number);
void unblock(int number);
bool is_blocked(int number);

int64_t now(clockid_t clock); /* ns */
void compute(int64_t ns);     /* without a service that waits */

/* Until at least so many signals were noted, computing. A minute at most. */
void compute_until(int signals);

/* Until a thread that is about to wait does: many short sleeps, since one may be no time of this machine's at
 * all. */
void settle(void);

#endif
