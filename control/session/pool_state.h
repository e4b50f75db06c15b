// SPDX-License-Identifier: BSD-3-Clause
// What the loop's thread and the threads of a pool share. Private to pool.c and pool_thread.c.

#pragma once

#include "control/session/pool.h"

#include <pthread.h>
#include <stdatomic.h>

enum job_kind {
	JOB_BEGIN,
	JOB_STEP,
	JOB_DROP,
};

struct job {
	struct job *next;
	enum job_kind kind;
	uint64_t id;
	struct tls_context *context;
	struct tls_params params; // what it points to lies behind the job
	size_t n_bytes;
	uint8_t bytes[]; // of a record
};

struct answer {
	struct answer *next;
	struct pool_answer is;
	uint8_t bytes[];
};

// The handshake of an id, whose lower half says where it is.
struct place {
	uint64_t id;
	struct tls_handshake *handshake; // NULL: none, or it could not begin
	enum tls_refusal refusal;        // why then
	_Atomic uint64_t dropped; // the loop's thread's word: what is left of this id is not done
};

struct jobs {
	struct job *first, **end;
};

struct thread {
	struct pool *pool;
	pthread_t thread;
	pthread_mutex_t mutex; // of the four below
	pthread_cond_t wake;
	bool stop;
	// What is under way goes first: where more begin than can be made, those that have begun
	// end in time, instead of all of them growing old together.
	struct jobs under_way, beginning;
	struct place *places; // the thread's own, but for dropped
};

struct pool {
	struct pool_config config;
	uv_async_t async;
	uint64_t *answered;    // by the lower half of an id: the one that was last answered there
	unsigned n_threads;    // that run
	pthread_mutex_t mutex; // of the two below
	struct answer *first, **end;
	struct thread threads[];
};

// Waits for jobs and does them until it is told to stop. arg: the struct thread.
void *pool_thread_run(void *arg);
struct place *pool_place_of(const struct thread *t, uint64_t id);
// After it has ended: what handshakes there are.
void pool_thread_clear(struct thread *t, size_t n_places);
void pool_job_free(struct job *job);
struct job *pool_job_take(struct jobs *jobs); // NULL: there is none
void pool_answer_free(struct answer *a);      // wipes it
