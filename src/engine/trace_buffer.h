// How the engine itself writes its trace. Internal; every call is made only while tracing.
#pragma once
#include "engine/task.h"
#include "engine/trace.h"

namespace gemel::engine::detail {

void trace_task(const Task& task, bool skipped);                     // ends now
void trace_inline(const TaskOptions& options, int64_t started);      // ends now
void trace_part(const char* name, int64_t started);                  // ends now
void trace_wait(const char* name, const Tag* tag, int64_t started);  // ends now
void trace_leave_thread();  // a worker ends: the next of its name goes on with its records

}  // namespace gemel::engine::detail
