// What a program that runs on the faulty disk, and whoever started it, tell each other.
//
// FAULTY_DISK_FOLDER   only calls on files below this absolute path count
// FAULTY_DISK_FAIL     the number of the call that fails, counted from 1; 0 for none
// FAULTY_DISK_ERROR    the errno it fails with
// FAULTY_DISK_LASTING  1 where every later call fails too
// FAULTY_DISK_REPORT   a file of this struct's size, in which the calls are counted
#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

#include <stdint.h>

struct faulty_disk_report {
  /// The calls so far.
  int64_t count;
  /// The first call that failed, such as "rename /a/b"; empty where none did.
  char failed[504];
};

#endif
