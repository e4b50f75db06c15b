// SPDX-License-Identifier: BSD-3-Clause
// What the loop's thread and the threads of a pool share. Private to pool.c and pool_thread.c.

#pragma once

#include "control/session/pool.h"

#include <pthread.h>

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
};

struct thread {
	struct pool *pool;
	pthread_t thread;
	pthread_mutex_t mutex; // of the three below
	pthread_cond_t wake;
	bool stop;
	struct job *first, **end;
	struct place *places; // the thread's own
};

struct pool {
	struct pool_config config;
	uv_async_t async;
	unsigned n_threads;    // that run
	pthread_mutex_t mutex; // of the two below
	struct answer *first, **end;
	struct thread threads[];
};

// Waits for jobs and does them until it is told to stop. arg: the struct thread.
void *pool_thread_run(void *arg);
// After it has ended: what handshakes there are.
void pool_thread_clear(struct thread *t, size_t n_places);
void pool_job_free(struct job *job);
void pool_answer_free(struct answer *a); // wipes it
