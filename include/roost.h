/* roost.h - async/await for C: the core in one include.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_H
#define ROOST_H

#include <roost/address.h>
#include <roost/async.h>
#include <roost/broadcast.h>
#include <roost/cache.h>
#include <roost/call.h>
#include <roost/chan.h>
#include <roost/child.h>
#include <roost/config.h>
#include <roost/dir.h>
#include <roost/error.h>
#include <roost/event.h>
#include <roost/fd.h>
#include <roost/file.h>
#include <roost/file_all.h>
#include <roost/file_lock.h>
#include <roost/file_map.h>
#include <roost/file_range.h>
#include <roost/future.h>
#include <roost/gather.h>
#include <roost/generator.h>
#include <roost/group.h>
#include <roost/guest.h>
#include <roost/instrument.h>
#include <roost/iter.h>
#include <roost/iter_stage.h>
#include <roost/limiter.h>
#include <roost/lock.h>
#include <roost/map.h>
#include <roost/memory_stream.h>
#include <roost/once.h>
#include <roost/path.h>
#include <roost/path_facts.h>
#include <roost/pipe.h>
#include <roost/portal.h>
#include <roost/post.h>
#include <roost/process_pool.h>
#include <roost/queue.h>
#include <roost/race.h>
#include <roost/rate.h>
#include <roost/record.h>
#include <roost/retry.h>
#include <roost/run.h>
#include <roost/rwlock.h>
#include <roost/scope.h>
#include <roost/select.h>
#include <roost/semaphore.h>
#include <roost/serve.h>
#include <roost/signal.h>
#include <roost/stdio.h>
#include <roost/stream.h>
#include <roost/task.h>
#include <roost/tcp.h>
#include <roost/temp.h>
#include <roost/thread.h>
#include <roost/time.h>
#include <roost/udp.h>
#include <roost/unix.h>
#include <roost/var.h>
#include <roost/watch.h>
#include <roost/watch_file.h>
#include <roost/workers.h>

#endif
