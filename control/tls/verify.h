// SPDX-License-Identifier: BSD-3-Clause
// Judges a peer's certificate: chain, validity, CRLs, key usage, and what it names. Any thread.

#pragma once

#include "control/tls/trust.h"

// sent: the chain as the peer sent it, its own certificate first. Looks into the cache first, and
// adds to it what will still hold a little later.
void tls_verify(const struct tls_trust *t, STACK_OF(X509) * sent, enum tls_peer peer, int64_t now_s,
	struct tls_judgement *out);

// What to tell OpenSSL so that the peer gets the alert that fits, an X509_V_ERR_...
int tls_verify_error(enum tls_refusal r);

// Seconds since the epoch; INT64_MIN for a time that cannot be read.
int64_t tls_time_s(const ASN1_TIME *time);
