// How much memory the fuzzed readers ask for: every allocation of the program is counted.
#ifndef ALLOCATION_METER_H
#define ALLOCATION_METER_H

#include <stddef.h>

/// Begins anew: the peak is what is allocated now.
void allocation_mark(void);

/// The most bytes that were allocated at once since the mark, beyond those that were allocated at the mark.
size_t allocation_peak(void);

#endif
