// SPDX-License-Identifier: BSD-3-Clause
// Published vectors, with each provider: the records of RFC 8448 §3, and the AEADs by themselves
// (RFC 8439 §2.8.2; McGrew and Viega, "The Galois/Counter Mode of Operation", cases 3 and 15, whose
// modes RFC 5288 takes over).

#include "lib/record/inner.h"
#include "lib/record/schedule.h"
#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

static const enum record_provider providers[] = {
	RECORD_PROVIDER_IPSEC_MB,
	RECORD_PROVIDER_EVP,
};
#define N_PROVIDERS (sizeof(providers) / sizeof(providers[0]))

static size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = 0;

	for (; *hex != '\0'; hex += 2) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(sscanf(hex, "%2hhx", &out[n++]), 1);
	}
	return n;
}

static void assert_hex(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[512];
	size_t n = from_hex(expected, hex);

	assert_memory_equal(bytes, expected, n);
}

#define CLIENT_SECRET                      \
	"9e40646ce79a7f9dc05af8889bce6552" \
	"875afa0b06df0087f792ebb7c17504a5"
#define SERVER_SECRET                      \
	"a11af9f05531f856ad47116b45a95032" \
	"8204b4f44bfb6b3a4b4f1f3fcb631643"
#define CLIENT_DATA                                                      \
	"1703030043"                                                     \
	"a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b"       \
	"9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae6" \
	"3aeebb21694915e4"
#define SERVER_TICKET                                                     \
	"17030300de"                                                      \
	"3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d"        \
	"6af8f6b580dcf3d11d63c758db289a015940252f55713e061dc13e078891a3"  \
	"8efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75"  \
	"e09c30ba1e62972ac46f75f7b981be63439b2999ce1306461513989"         \
	"1d5e4c5b406f16e3fc181a77ca475840025db2f0a77f81b5ab05b94c0134675" \
	"5f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca"  \
	"49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b"  \
	"3b6c6779b37bf15985684f"
#define SERVER_DATA                                                        \
	"1703030043"                                                       \
	"2e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf9"   \
	"7d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e1" \
	"67c2955d"
#define CLIENT_ALERT "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"
#define SERVER_ALERT "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"

static void begin(
	struct record_session *client, struct record_session *server, struct record_crypto *c)
{
	struct record_secrets s = {.version = RECORD_TLS13, .suite = RECORD_AES_128_GCM}, swapped;

	from_hex(s.send.traffic, CLIENT_SECRET);
	from_hex(s.receive.traffic, SERVER_SECRET);
	assert_int_equal(record_session_begin(client, c, &s, RECORD_OPENED), 0);
	swapped = s;
	swapped.send = s.receive;
	swapped.receive = s.send;
	// The server's ticket, which was sealed before its data.
	swapped.send.sequence = 1;
	assert_int_equal(record_session_begin(server, c, &swapped, RECORD_ACCEPTED), 0);
}

static void keys_are_those_of_rfc_8448(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_PROVIDERS; i++) {
		struct record_crypto *c = pair_crypto(providers[i], 0);
		struct record_session client, server;

		begin(&client, &server, c);
		assert_hex(client.send.key, "17422dda596ed5d9acd890e3c63f5051");
		assert_hex(client.send.iv, "5b78923dee08579033e523d9");
		assert_hex(client.receive.key, "9f02283b6c9c07efc26bb9f2ac92e356");
		assert_hex(client.receive.iv, "cf782b88dd83549aadf1e984");
		assert_memory_equal(server.send.key, client.receive.key, RECORD_KEY_BYTES);
		record_crypto_free(c);
	}
}

static void open_hex(struct record_session *s, struct record_crypto *c, const char *hex,
	uint8_t *text, struct record_opened *opened)
{
	uint8_t record[512];
	size_t n = from_hex(record, hex);

	assert_int_equal(record_length(s, view_of(record, n)), n);
	pair_open(s, c, record, n, text, opened);
}

static void expect_counting(const struct record_opened *opened)
{
	assert_int_equal(opened->kind, RECORD_TEXT);
	assert_int_equal(opened->text.len, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(opened->text.at[i], i);
}

static void records_of_rfc_8448_are_opened(void **state)
{
	static uint8_t text[RECORD_OPEN_BYTES];
	struct record_opened opened;

	(void)state;
	for (unsigned i = 0; i < N_PROVIDERS; i++) {
		struct record_crypto *c = pair_crypto(providers[i], 0);
		struct record_session client, server;

		begin(&client, &server, c);
		open_hex(&client, c, SERVER_TICKET, text, &opened);
		assert_int_equal(opened.kind, RECORD_DIGESTED);
		assert_int_equal(opened.n_answer, 0);
		open_hex(&server, c, CLIENT_DATA, text, &opened);
		expect_counting(&opened);
		open_hex(&client, c, SERVER_DATA, text, &opened);
		expect_counting(&opened);
		open_hex(&server, c, CLIENT_ALERT, text, &opened);
		assert_int_equal(opened.kind, RECORD_PEER_CLOSED);
		open_hex(&client, c, SERVER_ALERT, text, &opened);
		assert_int_equal(opened.kind, RECORD_PEER_CLOSED);
		record_crypto_free(c);
	}
}

static void what_we_seal_is_as_in_rfc_8448(void **state)
{
	uint8_t counting[50], out[128];
	struct view parts[2] = {{counting, 7}, {counting + 7, 43}};

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		counting[i] = (uint8_t)i;
	for (unsigned i = 0; i < N_PROVIDERS; i++) {
		struct record_crypto *c = pair_crypto(providers[i], 0);
		struct record_session client, server;

		begin(&client, &server, c);
		assert_int_equal(record_seal(&client, c, parts, 2, out), 72);
		assert_hex(out, CLIENT_DATA);
		assert_int_equal(record_close(&client, c, out), 24);
		assert_hex(out, CLIENT_ALERT);
		assert_int_equal(record_seal(&server, c, parts, 2, out), 72);
		assert_hex(out, SERVER_DATA);
		assert_int_equal(record_close(&server, c, out), 24);
		assert_hex(out, SERVER_ALERT);
		record_crypto_free(c);
	}
}

struct vector {
	enum record_suite suite;
	const char *key, *nonce, *aad, *text, *sealed, *tag;
};

#define GCM_TEXT                                                           \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"

static const struct vector vectors[] = {
	{RECORD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
		GCM_TEXT,
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
		"4d5c2af327cd64a62cf35abd2ba6fab4"},
	{RECORD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "", GCM_TEXT,
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
		"b094dac5d93471bdec1a502270e3cc6c"},
	{RECORD_CHACHA20_POLY1305,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		"73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		"6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116",
		"1ae10b594f09e26a7e902ecbd0600691"},
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void try_vector(struct record_crypto *c, const struct vector *v)
{
	uint8_t key[RECORD_KEY_BYTES], text[128], out[128], tag[16];
	struct record_aead a = {
		.suite = v->suite, .direction = RECORD_SEAL, .key_id = ++c->last_key_id};
	struct view in = view_of(text, from_hex(text, v->text)), sealed;

	from_hex(key, v->key);
	from_hex(a.nonce, v->nonce);
	a.n_aad = (uint8_t)from_hex(a.aad, v->aad);
	a.key = key;
	a.tag = tag;
	a.in = (struct record_pieces){.parts = &in, .n = 1};
	a.n_in = in.len;
	a.out = out;
	assert_true(c->crypt(c, &a));
	assert_hex(out, v->sealed);
	assert_hex(a.tag, v->tag);
	sealed = view_of(out, in.len);
	a.direction = RECORD_OPEN;
	a.in = (struct record_pieces){.parts = &sealed, .n = 1};
	assert_true(c->crypt(c, &a)); // in place
	assert_hex(out, v->text);
}

static void aeads_are_those_of_their_papers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_PROVIDERS; i++) {
		struct record_crypto *c = pair_crypto(providers[i], 0);

		for (unsigned k = 0; k < N_VECTORS; k++)
			try_vector(c, &vectors[k]);
		record_crypto_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_rfc_8448),
		cmocka_unit_test(records_of_rfc_8448_are_opened),
		cmocka_unit_test(what_we_seal_is_as_in_rfc_8448),
		cmocka_unit_test(aeads_are_those_of_their_papers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
