// Callback lists, as bindings hand them over: functions without a type, and a state for each.
#pragma once
#include <atomic>

#include "c_api/call.h"
#include "gemel/c_types.h"

namespace gemel::c_api {

// The caller's language is shutting down (MXNotifyShutdown): what is deleted from here on tells
// nobody, since the functions to call may be gone.
inline std::atomic<bool> callers_are_gone{false};

// The function in a place of the list, null where the list is too short.
template <typename Function>
Function callback_at(const MXCallbackList& list, int place) {
  if (place >= list.num_callbacks) return nullptr;
  return reinterpret_cast<Function>(reinterpret_cast<void*>(list.callbacks[place]));
}

inline void* callback_state(const MXCallbackList& list, int place) {
  return place < list.num_callbacks ? list.contexts[place] : nullptr;
}

}  // namespace gemel::c_api
