#include "tally.h"

#include <math.h>

void tally_add(struct tally *tally, double value)
{
    tally->count++;
    tally->sum += value;
    tally->squares += value * value;
}

double tally_mean(const struct tally *tally)
{
    return tally->count ? tally->sum / (double)tally->count : 0;
}

double tally_deviation(const struct tally *tally)
{
    double mean = tally_mean(tally);

    return tally->count ? sqrt(fmax(tally->squares / (double)tally->count - mean * mean, 0)) : 0;
}
