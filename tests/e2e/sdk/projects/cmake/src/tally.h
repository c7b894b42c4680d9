/* Numbers and what is known of them. */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>

struct tally {
    size_t count;
    double sum, squares;
};

void tally_add(struct tally *tally, double value);
double tally_mean(const struct tally *tally);
double tally_deviation(const struct tally *tally);

#endif
