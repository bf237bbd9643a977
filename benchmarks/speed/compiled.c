/* A prototype of a compiled core, for measuring. The package does not use it.

   All texts are in one array of code points; `ends` has the end of each. The hashes are those of
   spamguard/features/ngrams.py, so that the buckets can be compared. */

#include <stdint.h>
#include <string.h>
#include <math.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

static const u64 BASE = 0x9E3779B97F4A7C15ull;
static const u64 PAIR = 0xD6E8FEB86659FD93ull;
static const u64 MIX = 0xFF51AFD7ED558CCDull;
static const u64 SALT = 0xA24BAED4963EE407ull;

enum { WORDS, PAIRS, CHARACTERS, BLOCKS };
enum { CAPITALS, DIGITS, COMMAS, EXCLAMATIONS, QUESTIONS, LINES, COUNTS };

static int is_space(u32 c) { return c == 32 || (c >= 9 && c <= 13) || (c >= 28 && c <= 31); }
static int is_digit(u32 c) { return c >= '0' && c <= '9'; }
static int is_capital(u32 c) { return c >= 'A' && c <= 'Z'; }
static int is_letter_or_digit(u32 c) {
    return is_digit(c) || is_capital(c) || (c >= 'a' && c <= 'z');
}

/* ASCII texts: lower case with single spaces, the words with single spaces, and counts of style.
   A word is letters and digits; an apostrophe between two of them belongs to it. `lower` and
   `words` need room for all of `text`, and `words` for one sign a text more. */
void read_ascii(const u32 *text, const i64 *ends, i64 n, u32 *lower, i64 *lower_ends, u32 *words,
                i64 *word_ends, int32_t *counts) {
    i64 at = 0, low = 0, word = 0;
    memset(counts, 0, (size_t)n * COUNTS * sizeof *counts);
    for (i64 k = 0; k < n; k++) {
        i64 end = ends[k], low_start = low, word_start = word;
        int gap = 0, apart = 0;
        int32_t *count = counts + k * COUNTS;
        for (; at < end; at++) {
            u32 c = text[at];
            count[CAPITALS] += is_capital(c);
            count[DIGITS] += is_digit(c);
            count[COMMAS] += c == ',';
            count[EXCLAMATIONS] += c == '!';
            count[QUESTIONS] += c == '?';
            count[LINES] += c == '\n';
            if (is_capital(c)) c += 32;
            if (is_space(c)) {
                gap = apart = 1;
                continue;
            }
            if (gap && low > low_start) lower[low++] = ' ';
            gap = 0;
            lower[low++] = c;
            int joins = c == '\'' && !apart && word > word_start && at + 1 < end
                        && is_letter_or_digit(text[at + 1]);
            if (is_letter_or_digit(c) || joins) {
                if (apart && word > word_start) words[word++] = ' ';
                apart = 0;
                words[word++] = c;
            } else {
                apart = 1;
            }
        }
        lower_ends[k] = low;
        word_ends[k] = word;
    }
}

static u32 bucket(u64 hash, int block, int bits) {
    u64 h = hash + (u64)(block + 1) * SALT;
    h ^= h >> 33;
    h *= MIX;
    h ^= h >> 29;
    h *= BASE;
    return (u32)(h >> (64 - bits));
}

static u64 powers[6];

/* A run of digits counts as one zero. Returns the next code point and moves `at` behind it. */
static u32 next(const u32 *text, i64 *at, i64 end) {
    u32 c = text[(*at)++];
    if (!is_digit(c)) return c;
    while (*at < end && is_digit(text[*at])) (*at)++;
    return '0';
}

static i64 hash_words(const u32 *text, i64 at, i64 end, u64 *hashes) {
    i64 found = 0;
    while (at < end) {
        u64 hash = 0, power = MIX;
        while (at < end) {
            u32 c = next(text, &at, end);
            if (c == ' ') break;
            hash += (u64)(c + 1) * power;
            power *= BASE;
        }
        hashes[found++] = hash;
    }
    return found;
}

/* Buckets of the 3-, 4- and 5-grams of " text ": they may begin or end with a space. */
static i64 hash_characters(const u32 *text, i64 at, i64 end, int bits, u32 *out) {
    u32 last[5] = {0};
    i64 found = 0, since = 0; /* signs since the space that a gram may begin with, itself too */
    i64 run = 0;
    for (int closing = 0; !closing;) {
        u32 c;
        if (run == 0) {
            c = ' ';
        } else if (at < end) {
            c = next(text, &at, end);
        } else {
            c = ' ';
            closing = 1;
        }
        run++;
        last[0] = last[1], last[1] = last[2], last[2] = last[3], last[3] = last[4], last[4] = c;
        since++;
        for (int size = 3; size <= 5 && size <= since; size++) {
            u64 hash = 0;
            for (int i = 0; i < size; i++) hash += (u64)(last[5 - size + i] + 1) * powers[i];
            out[found++] = bucket(hash + (u64)size, CHARACTERS, bits);
        }
        if (c == ' ') since = 1;
    }
    return found;
}

/* Buckets of all texts, of each one its words, pairs and characters, and how many of each.
   `hashes` needs room for the words of one text, `buckets` for 5 a sign and 10 a text. */
i64 hash_texts(const u32 *lower, const i64 *lower_ends, const u32 *words, const i64 *word_ends,
               i64 n, int bits, u64 *hashes, u32 *buckets, i64 *sizes) {
    u32 *out = buckets;
    powers[0] = MIX;
    for (int i = 1; i < 6; i++) powers[i] = powers[i - 1] * BASE;
    for (i64 k = 0; k < n; k++) {
        i64 first = k ? word_ends[k - 1] : 0;
        i64 count = hash_words(words, first, word_ends[k], hashes);
        for (i64 i = 0; i < count; i++) *out++ = bucket(hashes[i], WORDS, bits);
        for (i64 i = 0; i + 1 < count; i++)
            *out++ = bucket(hashes[i] * PAIR + hashes[i + 1], PAIRS, bits);
        first = k ? lower_ends[k - 1] : 0;
        i64 more = first < lower_ends[k] ? hash_characters(lower, first, lower_ends[k], bits, out) : 0;
        out += more;
        sizes[k * BLOCKS + WORDS] = count;
        sizes[k * BLOCKS + PAIRS] = count ? count - 1 : 0;
        sizes[k * BLOCKS + CHARACTERS] = more;
    }
    return out - buckets;
}

/* What the n-grams of each block add: weights times the square root of counts over the size.
   `seen` holds a zero for each bucket and does so again afterwards. */
void add_up(const u32 *buckets, const i64 *sizes, i64 n, const float *weights, u32 *seen,
            double *sums) {
    for (i64 k = 0; k < n * BLOCKS; k++) {
        i64 size = sizes[k];
        double sum = 0, room = size < 6 ? 6 : size;
        for (i64 i = 0; i < size; i++) seen[buckets[i]]++;
        for (i64 i = 0; i < size; i++) {
            u32 count = seen[buckets[i]];
            if (!count) continue;
            sum += weights[buckets[i]] * (count == 1 ? 1.0 : sqrt((double)count));
            seen[buckets[i]] = 0;
        }
        sums[k] = sum / sqrt(room);
        buckets += size;
    }
}

/* All three steps for one ASCII text, in room that the caller keeps: what one call would cost. */
double add_up_one(const u32 *text, i64 length, int bits, u32 *lower, u32 *words, u64 *hashes,
                  u32 *buckets, const float *weights, u32 *seen) {
    i64 lower_end, word_end, sizes[BLOCKS];
    int32_t counts[COUNTS];
    double sums[BLOCKS];
    read_ascii(text, &length, 1, lower, &lower_end, words, &word_end, counts);
    hash_texts(lower, &lower_end, words, &word_end, 1, bits, hashes, buckets, sizes);
    add_up(buckets, sizes, 1, weights, seen, sums);
    return sums[WORDS] + sums[PAIRS] + sums[CHARACTERS];
}
