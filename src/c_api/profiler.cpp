// The profiler, and the events that a program names itself.
#include "engine/profiler.h"

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

namespace profiler = engine::profiler;

// A domain, or something named within one.
struct ProfileObject {
  enum class Type { domain, task, frame, event, counter } type;
  std::string category, name;
  int64_t started = -1;
  std::atomic<int64_t> value{0};
};
using ProfileObjects = Table<std::shared_ptr<ProfileObject>, Kind::profile>;

std::shared_ptr<ProfileObject> profile_object(ProfileHandle handle) {
  return ProfileObjects::instance().get(handle);
}

void make_profile_object(ProfileObject::Type type, ProfileHandle domain, const char* name,
                         ProfileHandle* out) {
  given(out, "the result");
  auto object = std::make_shared<ProfileObject>();
  object->type = type;
  object->name = text_of(name, "the name");
  object->category = type == ProfileObject::Type::domain  ? object->name
                     : type == ProfileObject::Type::event ? "event"
                                                          : profile_object(domain)->name;
  *out = ProfileObjects::instance().add(std::move(object));
}

void change_counter(ProfileHandle handle, int64_t value, bool relative) {
  const auto counter = profile_object(handle);
  GEMEL_CHECK(counter->type == ProfileObject::Type::counter, "[{}] expected a counter",
              current_function);
  const int64_t now = relative ? counter->value += value : counter->value = value;
  profiler::add_counter(counter->category, counter->name, now);
}

void set_profiler_config(int count, const char* const* keys, const char* const* values) {
  std::vector<std::pair<std::string, std::string>> keywords;
  for (auto& [key, value] : attributes_of(count, keys, values)) keywords.emplace_back(key, value);
  profiler::configure(keywords);
}

void only_this_process(int profile_process) {
  GEMEL_CHECK(profile_process == 0,
              "[{}] there are no server processes: expected profile_process 0, got {}",
              current_function, profile_process);
}

void give_summary(const char** out_text, int reset, int format, int sort_by, int ascending) {
  constexpr const char* orders[] = {"total", "avg", "min", "max", "count"};
  GEMEL_CHECK(sort_by >= 0 && sort_by < 5, "[{}] expected an order from 0 to 4, got {}",
              current_function, sort_by);
  given(out_text, "the text");
  *out_text = Returned::fresh().text(
      profiler::summary(reset != 0, format == 1, orders[sort_by], ascending != 0));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXSetProfilerConfig(int num_params, const char* const* keys, const char* const* vals) {
  return call(__func__, [&] { set_profiler_config(num_params, keys, vals); });
}

int MXSetProcessProfilerConfig(int num_params, const char* const* keys, const char* const* vals,
                               KVStoreHandle) {
  return call(__func__, [&] { set_profiler_config(num_params, keys, vals); });
}

int MXSetProfilerState(int state) {
  return call(__func__, [&] { profiler::set_running(state != 0); });
}

int MXSetProcessProfilerState(int state, int profile_process, KVStoreHandle) {
  return call(__func__, [&] {
    only_this_process(profile_process);
    profiler::set_running(state != 0);
  });
}

int MXProfilePause(int paused) {
  return call(__func__, [&] { profiler::set_paused(paused != 0); });
}

int MXProcessProfilePause(int paused, int profile_process, KVStoreHandle) {
  return call(__func__, [&] {
    only_this_process(profile_process);
    profiler::set_paused(paused != 0);
  });
}

int MXDumpProfile(int finished) {
  return call(__func__, [&] { profiler::dump(finished != 0); });
}

int MXDumpProcessProfile(int finished, int profile_process, KVStoreHandle) {
  return call(__func__, [&] {
    only_this_process(profile_process);
    profiler::dump(finished != 0);
  });
}

int MXAggregateProfileStatsPrint(const char** out_str, int reset) {
  return call(__func__, [&] { give_summary(out_str, reset, 0, 0, 0); });
}

int MXAggregateProfileStatsPrintEx(const char** out_str, int reset, int format, int sort_by,
                                   int ascending) {
  return call(__func__, [&] { give_summary(out_str, reset, format, sort_by, ascending); });
}

int MXProfileCreateDomain(const char* domain, ProfileHandle* out) {
  return call(__func__,
              [&] { make_profile_object(ProfileObject::Type::domain, nullptr, domain, out); });
}

int MXProfileCreateTask(ProfileHandle domain, const char* task_name, ProfileHandle* out) {
  return call(__func__,
              [&] { make_profile_object(ProfileObject::Type::task, domain, task_name, out); });
}

int MXProfileCreateFrame(ProfileHandle domain, const char* frame_name, ProfileHandle* out) {
  return call(__func__,
              [&] { make_profile_object(ProfileObject::Type::frame, domain, frame_name, out); });
}

int MXProfileCreateEvent(const char* event_name, ProfileHandle* out) {
  return call(__func__,
              [&] { make_profile_object(ProfileObject::Type::event, nullptr, event_name, out); });
}

int MXProfileCreateCounter(ProfileHandle domain, const char* counter_name, ProfileHandle* out) {
  return call(__func__, [&] {
    make_profile_object(ProfileObject::Type::counter, domain, counter_name, out);
  });
}

int MXProfileDestroyHandle(ProfileHandle frame_handle) {
  return call(__func__, [&] {
    if (frame_handle) ProfileObjects::instance().free(frame_handle);
  });
}

int MXProfileDurationStart(ProfileHandle duration_handle) {
  return call(__func__, [&] { profile_object(duration_handle)->started = engine::trace_now(); });
}

int MXProfileDurationStop(ProfileHandle duration_handle) {
  return call(__func__, [&] {
    const auto object = profile_object(duration_handle);
    GEMEL_CHECK(object->started >= 0, "[{}] '{}' was not started", current_function, object->name);
    const auto kind = object->type == ProfileObject::Type::frame ? engine::TraceKind::frame
                                                                 : engine::TraceKind::span;
    profiler::add_span(kind, object->category, object->name, object->started);
    object->started = -1;
  });
}

int MXProfileSetCounter(ProfileHandle counter_handle, uint64_t value) {
  return call(__func__,
              [&] { change_counter(counter_handle, static_cast<int64_t>(value), false); });
}

int MXProfileAdjustCounter(ProfileHandle counter_handle, int64_t value) {
  return call(__func__, [&] { change_counter(counter_handle, value, true); });
}

int MXProfileSetMarker(ProfileHandle domain, const char* instant_marker_name, const char* scope) {
  return call(__func__, [&] {
    profiler::add_marker(profile_object(domain)->name, text_of(instant_marker_name, "the name"),
                         text_of(scope, "the scope"));
  });
}
