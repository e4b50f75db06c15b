// SPDX-License-Identifier: BSD-3-Clause
// Provider: libipsec-mb. It chooses its functions by the processor, once.
//
// The expanded keys are a cache of sets of WAYS, found by the low bits of the key's id, which are
// handed out one after the other, so that they fill the sets evenly. The oldest of a set gives way.

#include "lib/base/pages.h"
#include "lib/record/provider.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#define WAYS RECORD_N_KEYS_MIN
// Up to here it is quicker to copy pieces together than to call the functions for pieces: they
// differ by 20 ns at 512 B; at 4096 B a copy costs 50 ns more.
#define COPY_BYTES_MAX 2048

#define CACHE_LINE_BYTES 64

struct gcm {
	aes_gcm_pre_t expand;
	aes_gcm_enc_dec_t one[2]; // by enum record_direction
	aes_gcm_init_t init;
	aes_gcm_enc_dec_update_t update[2];
	aes_gcm_enc_dec_finalize_t finalize[2];
};

struct set {
	uint64_t key_ids[WAYS]; // 0: none
	uint8_t next;           // to give way
};

struct ipsec_mb {
	struct record_crypto base;
	struct gcm gcm[RECORD_SUITE_N];
	IMB_MGR *manager;
	uint32_t set_mask;
	struct set *sets;
	struct gcm_key_data *keys; // WAYS a set
};

static struct ipsec_mb *self(struct record_crypto *c)
{
	return (struct ipsec_mb *)c;
}

static const struct gcm_key_data *expanded(
	struct ipsec_mb *m, const struct gcm *gcm, const struct record_aead *a)
{
	uint32_t at = (uint32_t)a->key_id & m->set_mask;
	struct set *set = &m->sets[at];
	struct gcm_key_data *keys = &m->keys[(size_t)at * WAYS];
	unsigned way;

	for (way = 0; way < WAYS; way++) {
		if (set->key_ids[way] == a->key_id)
			return &keys[way];
	}
	way = set->next;
	set->next = (uint8_t)((way + 1) % WAYS);
	set->key_ids[way] = a->key_id;
	gcm->expand(a->key, &keys[way]);
	return &keys[way];
}

static void prefetch(const struct record_crypto *c, uint64_t key_id)
{
	const struct ipsec_mb *m = (const struct ipsec_mb *)c;
	uint32_t at = (uint32_t)key_id & m->set_mask;

	for (unsigned way = 0; way < WAYS; way++) {
		const uint8_t *key = (const uint8_t *)&m->keys[(size_t)at * WAYS + way];

		if (m->sets[at].key_ids[way] != key_id)
			continue;
		for (size_t i = 0; i < sizeof(m->keys[0]); i += CACHE_LINE_BYTES)
			__builtin_prefetch(key + i);
	}
}

// Brings what is to be read into one piece, where that is quicker than going through pieces.
static bool in_one_piece(struct record_aead *a, struct view *in)
{
	struct record_pieces pieces = a->in;
	struct view run = record_pieces_next(&pieces, a->n_in);
	bool whole = run.len > 0 && run.len == a->n_in;

	if (whole && a->n_tail == 0) {
		*in = run;
		return true;
	}
	if (a->n_in > COPY_BYTES_MAX && !(whole && run.at == a->out))
		return false;
	if (!whole)
		(void)record_pieces_copy(&a->in, a->out, a->n_in);
	else if (run.at != a->out)
		memcpy(a->out, run.at, run.len);
	if (a->n_tail > 0)
		a->out[a->n_in] = a->tail;
	*in = view_of(a->out, a->n_in + a->n_tail);
	return true;
}

static void gcm_pieces(struct ipsec_mb *m, struct record_aead *a, uint8_t tag[16])
{
	const struct gcm *gcm = &m->gcm[a->suite];
	const struct gcm_key_data *key = expanded(m, gcm, a);
	struct gcm_context_data context;
	uint8_t *out = a->out;
	struct view run;

	gcm->init(key, &context, a->nonce, a->aad, a->n_aad);
	for (size_t left = a->n_in; left > 0; left -= run.len) {
		run = record_pieces_next(&a->in, left);
		gcm->update[a->direction](key, &context, out, run.at, run.len);
		out += run.len;
	}
	if (a->n_tail > 0)
		gcm->update[a->direction](key, &context, out, &a->tail, 1);
	gcm->finalize[a->direction](key, &context, tag, 16);
}

static void gcm_one(struct ipsec_mb *m, struct record_aead *a, struct view in, uint8_t tag[16])
{
	const struct gcm *gcm = &m->gcm[a->suite];
	const struct gcm_key_data *key = expanded(m, gcm, a);
	struct gcm_context_data context;

	gcm->one[a->direction](
		key, &context, a->out, in.at, in.len, a->nonce, a->aad, a->n_aad, tag, 16);
}

static void chacha_pieces(struct ipsec_mb *m, struct record_aead *a, uint8_t tag[16])
{
	chacha_poly_enc_dec_update_t update = a->direction == RECORD_SEAL
		? m->manager->chacha20_poly1305_enc_update
		: m->manager->chacha20_poly1305_dec_update;
	struct chacha20_poly1305_context_data context;
	uint8_t *out = a->out;
	struct view run;

	IMB_CHACHA20_POLY1305_INIT(m->manager, a->key, &context, a->nonce, a->aad, a->n_aad);
	for (size_t left = a->n_in; left > 0; left -= run.len) {
		run = record_pieces_next(&a->in, left);
		update(a->key, &context, out, run.at, run.len);
		out += run.len;
	}
	if (a->n_tail > 0)
		update(a->key, &context, out, &a->tail, 1);
	IMB_CHACHA20_POLY1305_ENC_FINALIZE(m->manager, &context, tag, 16);
	explicit_bzero(&context, sizeof(context));
}

// A job is done when submitted, and at 64 B takes 150 ns where the direct functions take 250.
static void chacha_one(struct ipsec_mb *m, struct record_aead *a, struct view in, uint8_t tag[16])
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(m->manager);

	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = a->direction == RECORD_SEAL ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order =
		a->direction == RECORD_SEAL ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = a->key;
	job->dec_keys = a->key;
	job->key_len_in_bytes = 32;
	job->u.CHACHA20_POLY1305.aad = a->aad;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = a->n_aad;
	job->src = in.at;
	job->dst = a->out;
	job->iv = a->nonce;
	job->iv_len_in_bytes = RECORD_IV_BYTES;
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = in.len;
	job->msg_len_to_hash_in_bytes = in.len;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = 16;
	(void)IMB_SUBMIT_JOB_NOCHECK(m->manager);
}

// In a time that does not tell where they differ.
static bool tags_equal(const uint8_t a[16], const uint8_t b[16])
{
	uint64_t x[2], y[2];

	memcpy(x, a, 16);
	memcpy(y, b, 16);
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static bool crypt(struct record_crypto *c, struct record_aead *a)
{
	struct ipsec_mb *m = self(c);
	bool chacha = a->suite == RECORD_CHACHA20_POLY1305;
	uint8_t computed[16] = {0}, *tag = a->direction == RECORD_OPEN ? computed : a->tag;
	struct view in;
	bool one = in_one_piece(a, &in);

	if (one && chacha)
		chacha_one(m, a, in, tag);
	else if (one)
		gcm_one(m, a, in, tag);
	else if (chacha)
		chacha_pieces(m, a, tag);
	else
		gcm_pieces(m, a, tag);
	return a->direction == RECORD_SEAL || tags_equal(computed, a->tag);
}

static bool hash(struct record_crypto *c, size_t n_digest, const void *in, size_t n_in,
	uint8_t digest[RECORD_HASH_BYTES_MAX])
{
	IMB_MGR *manager = self(c)->manager;

	if (n_digest == IMB_SHA384_DIGEST_SIZE_IN_BYTES)
		IMB_SHA384(manager, in, n_in, digest);
	else
		IMB_SHA256(manager, in, n_in, digest);
	return true;
}

static void forget(struct record_crypto *c, uint64_t key_id)
{
	struct ipsec_mb *m = self(c);
	uint32_t at = (uint32_t)key_id & m->set_mask;

	for (unsigned way = 0; way < WAYS; way++) {
		if (m->sets[at].key_ids[way] != key_id)
			continue;
		m->sets[at].key_ids[way] = 0;
		explicit_bzero(&m->keys[(size_t)at * WAYS + way], sizeof(m->keys[0]));
	}
}

static void fini(struct record_crypto *c)
{
	struct ipsec_mb *m = self(c);

	if (m->keys != NULL)
		explicit_bzero(m->keys, ((size_t)m->set_mask + 1) * WAYS * sizeof(m->keys[0]));
	free(m->keys);
	free(m->sets);
	if (m->manager != NULL)
		free_mb_mgr(m->manager);
	free(m);
}

static const char *name_of(IMB_ARCH arch, uint64_t features)
{
	if (arch >= IMB_ARCH_AVX512)
		return (features & IMB_FEATURE_VAES) != 0 ? "libipsec-mb AVX-512, VAES"
							  : "libipsec-mb AVX-512";
	if (arch >= IMB_ARCH_AVX2)
		return "libipsec-mb AVX2";
	return arch >= IMB_ARCH_AVX ? "libipsec-mb AVX" : "libipsec-mb SSE";
}

static void find_functions(struct ipsec_mb *m)
{
	const IMB_MGR *f = m->manager;

	m->gcm[RECORD_AES_128_GCM] = (struct gcm){
		.expand = f->gcm128_pre,
		.one = {f->gcm128_enc, f->gcm128_dec},
		.init = f->gcm128_init,
		.update = {f->gcm128_enc_update, f->gcm128_dec_update},
		.finalize = {f->gcm128_enc_finalize, f->gcm128_dec_finalize},
	};
	m->gcm[RECORD_AES_256_GCM] = (struct gcm){
		.expand = f->gcm256_pre,
		.one = {f->gcm256_enc, f->gcm256_dec},
		.init = f->gcm256_init,
		.update = {f->gcm256_enc_update, f->gcm256_dec_update},
		.finalize = {f->gcm256_enc_finalize, f->gcm256_dec_finalize},
	};
}

static struct ipsec_mb *allocate(uint32_t n_sets)
{
	struct ipsec_mb *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->set_mask = n_sets - 1;
	m->manager = alloc_mb_mgr(0);
	m->sets = pages_alloc(n_sets * sizeof(m->sets[0]));
	m->keys = pages_alloc((size_t)n_sets * WAYS * sizeof(m->keys[0]));
	if (m->manager == NULL || m->sets == NULL || m->keys == NULL) {
		fini(&m->base);
		return NULL;
	}
	return m;
}

// IMB_ARCH_NONE where this processor has not what that takes. Without AES-NI the library would look
// keys up in tables, which tells them by the time it takes.
static IMB_ARCH init_manager(IMB_MGR *manager, enum record_isa isa)
{
	const uint64_t needed[] = {
		[RECORD_ISA_BEST] = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ,
		[RECORD_ISA_SSE] = IMB_CPUFLAGS_SSE,
		[RECORD_ISA_AVX] = IMB_CPUFLAGS_AVX,
		[RECORD_ISA_AVX2] = IMB_CPUFLAGS_AVX2,
		[RECORD_ISA_AVX512] = IMB_CPUFLAGS_AVX512,
	};
	IMB_ARCH arch = IMB_ARCH_NONE;

	init_mb_mgr_auto(manager, &arch);
	if ((manager->features & needed[isa]) != needed[isa])
		return IMB_ARCH_NONE;
	switch (isa) {
	case RECORD_ISA_BEST:
		return arch;
	case RECORD_ISA_SSE:
		init_mb_mgr_sse(manager);
		return IMB_ARCH_SSE;
	case RECORD_ISA_AVX:
		init_mb_mgr_avx(manager);
		return IMB_ARCH_AVX;
	case RECORD_ISA_AVX2:
		init_mb_mgr_avx2(manager);
		return IMB_ARCH_AVX2;
	case RECORD_ISA_AVX512:
		init_mb_mgr_avx512(manager);
		return IMB_ARCH_AVX512;
	}
	return IMB_ARCH_NONE;
}

struct record_crypto *record_ipsec_mb_new(uint32_t n_keys, enum record_isa isa)
{
	struct ipsec_mb *m = allocate(n_keys / WAYS);
	IMB_ARCH arch;

	if (m == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	arch = init_manager(m->manager, isa);
	if (arch < IMB_ARCH_SSE) {
		fini(&m->base);
		errno = ENOTSUP;
		return NULL;
	}
	find_functions(m);
	m->base.crypt = crypt;
	m->base.hash = hash;
	m->base.forget = forget;
	m->base.prefetch = prefetch;
	m->base.free = fini;
	m->base.name = name_of(arch, m->manager->features);
	return &m->base;
}
