// SPDX-License-Identifier: BSD-3-Clause
// What HAProxy spends on the same messages over loopback: one thread, mode tcp, mutual TLS 1.3
// (AES-128-GCM) in and out, so it opens, copies and seals, and judges, routes and parses nothing.
// 64 connections in, and as many out. CPU time of the process a message, user and system apart,
// since a kernel-bypass relay has no share of the second.

#pragma once

#include "tests/bench/bench.h"

struct haproxy_cpu {
	struct bench_samples user, system, both; // of a message
};

// Passes n messages through it in each of some runs, n_together of them, a record each, on a
// connection before the next one is served. False, and why on stderr, where that did not work, as
// where it is not installed.
bool haproxy_measure(unsigned n, unsigned n_together, unsigned runs, struct haproxy_cpu *cpu);
