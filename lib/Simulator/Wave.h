//===- Wave.h - The state of a wave and of its workgroup ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_WAVE_H
#define FLYATTN_LIB_SIMULATOR_WAVE_H

#include "HostFpu.h"
#include "Inst.h"

#include "flyattn/Simulator/Memory.h"
#include "flyattn/Simulator/Simulator.h"

#include "llvm/ADT/Twine.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

// Inline functions that sources for several vector extensions share must have
// no out-of-line copy: the linker would keep any one of them.
#define FLYATTN_ALWAYS_INLINE __attribute__((always_inline)) inline

namespace flyattn::sim {

constexpr unsigned waveSize = 64;
constexpr uint64_t allLanes = ~uint64_t(0);

/// The largest counts of `s_waitcnt` on these chips.
constexpr unsigned maxVmCount = 63;
constexpr unsigned maxLgkmCount = 15;

/// The addresses of 64 lanes: a base plus one offset each, or one each.
struct LaneAddresses {
  uint64_t base;
  const uint32_t *offset; ///< may be null
  const uint64_t *address;
  FLYATTN_ALWAYS_INLINE uint64_t operator[](unsigned lane) const {
    return offset ? base + offset[lane] : address[lane];
  }
};

/// One memory operation from issue to the landing of its data. Addresses are
/// checked, and store data copied, when it is issued, so it cannot fail later.
struct Access {
  void (*perform)(Wave &, Access &) = nullptr;
  const Inst *inst = nullptr;
  uint64_t lanes = 0;      ///< that take part
  bool whole = false;      ///< all 64 lanes, every dword in range
  uint32_t ldsAddress = 0; ///< LDS DMA: of lane 0
  /// The address of a lane: base plus its offset.
  uint64_t base = 0;
  const uint32_t *offset = nullptr; ///< one a lane; null: `address` holds them
  const uint32_t *data = nullptr;   ///< store data, [register][64]
  /// Dwords in range, from the first; the others read 0 and are not stored.
  /// Filled in unless `whole`.
  uint8_t valid[waveSize];
  alignas(64) uint64_t address[waveSize];
  alignas(64) uint32_t offsetCopy[waveSize]; ///< holds `offset` if delayed
  alignas(64) uint32_t copy[4 * waveSize];   ///< holds `data` if delayed

  uint64_t at(unsigned lane) const { return addresses()[lane]; }
  LaneAddresses addresses() const { return {base, offset, address}; }
  unsigned validDwords(unsigned lane) const { return whole ? 4 : valid[lane]; }
  /// Takes the lanes' offsets from a register, which a delayed operation may
  /// not rely on.
  void setOffsets(uint64_t from, const uint32_t *lanes, bool delayed) {
    base = from;
    offset = lanes;
    if (!delayed)
      return;
    std::memcpy(offsetCopy, lanes, sizeof(offsetCopy));
    offset = offsetCopy;
  }
};

/// The largest of 64 values.
uint32_t largestOf(const uint32_t *lanes);

/// The outstanding operations of one counter, oldest first. A null entry has
/// landed already and only counts.
class AccessQueue {
public:
  FLYATTN_ALWAYS_INLINE unsigned size() const { return count; }
  void push(Access *access) { ring[(head + count++) & 63] = access; }
  Access *pop() {
    Access *access = ring[head];
    head = (head + 1) & 63;
    --count;
    return access;
  }

private:
  Access *ring[64];
  unsigned head = 0, count = 0;
};

enum class WaveState : uint8_t { Ready, AtBarrier, Ended, Failed };

struct Workgroup;
class Observer;

struct Wave {
  uint32_t *s = nullptr; ///< scalar file
  uint32_t *v = nullptr; ///< vector file, [register][64]
  uint8_t *lds = nullptr;
  uint32_t ldsSize = 0;
  uint32_t scratchSize = 0;   ///< bytes a lane
  uint8_t *scratch = nullptr; ///< [lane][scratchSize]
  Workgroup *group = nullptr;
  const Inst *pc = nullptr;
  const Inst *insts = nullptr; ///< the program while it skips no instruction
  uint32_t mode = 0;           ///< the MODE register
  FpuControl fpu32 = 0;        ///< host control word for f32 arithmetic
  FpuControl fpu64 = 0;        ///< and for f16 and f64
  WaveState state = WaveState::Ready;
  bool delaysDma = false; ///< LDS DMA lands at its wait
  bool delaysAll = false; ///< and so does every other operation
  uint8_t id = 0;
  Observer *observer = nullptr; ///< of memory instructions; see Observer.h
  AccessQueue vm, lgkm;
  uint64_t instructions = 0;
  // The allocation of the last access.
  uint64_t hitAddress = 1, hitSize = 0;
  // Where buffer loads last began, by instruction; for the host's caches.
  uint64_t loadBases[32] = {};
  std::string error;

  FLYATTN_ALWAYS_INLINE uint32_t *vgpr(unsigned n) { return v + n * waveSize; }
  FLYATTN_ALWAYS_INLINE const uint32_t *vgpr(unsigned n) const {
    return v + n * waveSize;
  }
  FLYATTN_ALWAYS_INLINE uint64_t s64(unsigned n) const {
    uint64_t value;
    __builtin_memcpy(&value, s + n, 8);
    return value;
  }
  FLYATTN_ALWAYS_INLINE void setS64(unsigned n, uint64_t value) {
    __builtin_memcpy(s + n, &value, 8);
  }
  FLYATTN_ALWAYS_INLINE uint64_t exec() const { return s64(SlotExec); }
  FLYATTN_ALWAYS_INLINE uint32_t &scc() { return s[SlotScc]; }
  FLYATTN_ALWAYS_INLINE bool ieeeMode() const { return mode >> 9 & 1; }

  /// ~0 for active lanes, 0 for the others.
  FLYATTN_ALWAYS_INLINE const uint32_t *laneMask() {
    if (maskedExec != exec())
      updateLaneMask();
    return mask;
  }

  /// Sets MODE and the host control words that follow from it.
  void setMode(uint32_t value);

  /// Ends the launch with an error at `inst`.
  const Inst *fail(const Inst *inst, const llvm::Twine &what);

  /// Is [address, address + size) inside one allocation?
  FLYATTN_ALWAYS_INLINE bool inMemory(uint64_t address, uint64_t size) {
    return (address - hitAddress <= hitSize &&
            size <= hitSize - (address - hitAddress)) ||
           findMemory(address, size);
  }

  /// A record for a new operation: the workgroup's own if it is performed at
  /// once.
  FLYATTN_ALWAYS_INLINE Access &newAccess(const Inst *inst, bool delayed);
  /// Performs the access, or queues it.
  FLYATTN_ALWAYS_INLINE void issue(Access &access, AccessQueue &queue,
                                   unsigned limit, bool delayed);
  /// Lands operations until at most `left` are outstanding.
  void landUntil(AccessQueue &queue, unsigned left);

private:
  Access &delayedAccess();
  void enqueue(Access &access, AccessQueue &queue, unsigned limit,
               bool delayed);
  void observe(const Access &access) const;
  void updateLaneMask();
  bool findMemory(uint64_t address, uint64_t size);

  uint64_t maskedExec = 0;
  alignas(64) uint32_t mask[waveSize] = {};
};

/// What the waves of one workgroup share. One host thread runs it.
struct Workgroup {
  const Program *program = nullptr;
  const Memory *memory = nullptr;
  uint64_t codeAddress = 0; ///< simulated address of the kernel's entry
  std::array<uint32_t, 3> id = {};
  uint64_t time = 0; ///< that s_memtime read last
  std::array<int64_t, 16> performanceCounters = {};
  MfmaNumerics mfma = MfmaNumerics::Fma;
  Access ownAccess; ///< for operations that are performed at once
  std::vector<std::unique_ptr<Access>> pool;
  std::vector<Access *> freeAccesses;
};

inline Access &Wave::newAccess(const Inst *inst, bool delayed) {
  Access &access = delayed ? delayedAccess() : group->ownAccess;
  access.inst = inst;
  access.lanes = exec();
  access.data = nullptr;
  access.offset = nullptr;
  return access;
}

inline void Wave::issue(Access &access, AccessQueue &queue, unsigned limit,
                        bool delayed) {
  if (observer) [[unlikely]]
    observe(access);
  if (!delayed)
    access.perform(*this, access);
  // Where nothing of a counter is ever delayed, it need not be kept.
  if (delaysAll || (delaysDma && &queue == &vm))
    enqueue(access, queue, limit, delayed);
}

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_WAVE_H
