#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace ledger {
namespace {

// To wake a thread costs some 10 µs, in which one does about this many values.
constexpr int64_t worthWaking = 32 * 1024;

struct Job {
  Job(const std::function<void(int64_t)>& body, int64_t blocks) : body(body), blocks(blocks) {}

  const std::function<void(int64_t)>& body;
  const int64_t blocks;
  std::atomic<int64_t> next{0};
  // How many workers are at it; guarded by the pool's mutex.
  int workers = 0;
  std::condition_variable left;
  // Rounding and what becomes of denormal values, as TensorFlow has set them for the caller.
  std::fenv_t environment;

  void work() {
    for (int64_t block; (block = next.fetch_add(1, std::memory_order_relaxed)) < blocks;) body(block);
  }
};

// Threads that sleep until there is a job. Never destroyed: when the process ends they may still be asleep.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; i++) {
      try {
        std::thread([this] { serve(); }).detach();
        workers_++;
      } catch (const std::system_error&) {
        return;  // No more threads for this process: those that there are do the work.
      }
    }
  }

  int workers() const { return workers_; }

  void run(Job& job) {
    std::fegetenv(&job.environment);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      jobs_.push_back(&job);
    }
    for (int64_t i = std::min<int64_t>(workers_, job.blocks - 1); i > 0; i--) wake_.notify_one();
    job.work();
    std::unique_lock<std::mutex> lock(mutex_);
    retire(job);
    job.left.wait(lock, [&] { return job.workers == 0; });
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      Job& job = *jobs_.front();
      job.workers++;
      lock.unlock();
      std::fesetenv(&job.environment);
      job.work();
      lock.lock();
      retire(job);
      // Under the lock: once it is free the job may be gone.
      if (--job.workers == 0) job.left.notify_one();
    }
  }

  // Nothing is left to begin of it.
  void retire(Job& job) {
    const auto place = std::find(jobs_.begin(), jobs_.end(), &job);
    if (place != jobs_.end()) jobs_.erase(place);
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job*> jobs_;
  int workers_ = 0;
};

// A process that was forked has none of the threads, and perhaps a mutex that nobody will ever unlock.
std::atomic<bool> forked{false};

Pool& pool() {
  static Pool* const pool = [] {
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
    const char* asked = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int threads = asked == nullptr ? 0 : std::atoi(asked);
    return new Pool(threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency()));
  }();
  return *pool;
}

}  // namespace

void inBlocks(int64_t blocks, int64_t values, const std::function<void(int64_t)>& body) {
  if (blocks < 2 || values < worthWaking || forked || pool().workers() == 0) {
    for (int64_t block = 0; block < blocks; block++) body(block);
    return;
  }
  Job job(body, blocks);
  pool().run(job);
}

}  // namespace ledger
