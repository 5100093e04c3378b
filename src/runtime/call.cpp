#include "runtime/call.h"

#include "base/settings.h"
#include "memory/pool.h"

namespace gemel::runtime {
namespace {

[[noreturn]] void rethrow_with_place(const OpInfo& op, std::string_view node_name) {
  const std::string place = node_name.empty() ? fmt::format("[{}]", op.name())
                                              : fmt::format("[{}] node {}:", op.name(), node_name);
  auto describe = [&](const char* what) {
    // Kernels begin their messages with the operator's name; keep it once.
    std::string_view text = what;
    const std::string prefix = fmt::format("[{}] ", op.name());
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    return fmt::format("{} {}", place, text);
  };
  try {
    throw;
  } catch (const Error& error) {
    throw Error(error.kind(), describe(error.what()));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::Memory, describe("out of memory"));
  } catch (const std::exception& error) {
    throw Error(ErrorKind::Internal, describe(error.what()));
  }
}

struct Workspace {
  memory::Block block;
  ~Workspace() {
    if (block.data) memory::release(block);
  }
};

}  // namespace

ReproducibleSums::ReproducibleSums(const Implementation& implementation) {
  if (!settings::current().determinism) return;
  if (implementation.name.starts_with("onednn") || implementation.name == "openblas")
    alone_.emplace();
}

void run_kernel(const Implementation& implementation, OpCall call, std::string_view node_name) {
  const ReproducibleSums sums(implementation);
  try {
    if (implementation.workspace && !call.workspace) {
      Workspace workspace;
      memory::OwnerScope scope(memory::Owner::workspace);
      workspace.block = memory::allocate(implementation.workspace(call));
      call.workspace = static_cast<std::byte*>(workspace.block.data);
      implementation.kernel(call);
    } else {
      implementation.kernel(call);
    }
  } catch (...) {
    if (call.op.runs_user_code) throw;  // the user's own exception, of any language
    rethrow_with_place(call.op, node_name);
  }
}

uint64_t random_count(const OpCall& call) {
  if (call.op.random_count) return call.op.random_count(call);
  uint64_t count = 0;
  for (const Tensor& tensor : call.out) count += tensor.size();
  return count;
}

}  // namespace gemel::runtime
