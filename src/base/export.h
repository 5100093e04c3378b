// Marks the C++ classes and functions that the Python extension calls in libgemel.so;
// everything else is hidden.
#pragma once
#define GEMEL_EXPORT __attribute__((visibility("default")))
