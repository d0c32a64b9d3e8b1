# Makes UnicodeTables.txt of two files of the Unicode Character Database:
#   awk -f unicode-tables.awk DerivedNormalizationProps.txt UnicodeData.txt > UnicodeTables.txt
# One line a character: a tag, its code point, what the tag says of it.
#   C  canonical decomposition that composes again      c  one that does not (Full_Composition_Exclusion)
#   W  <wide> or <narrow> compatibility decomposition    K  any other compatibility decomposition
#   M  canonical combining class, where it isn't 0
# Hangul syllables are computed, hence not listed.
function number(hex,   i, n) {
    n = 0
    for (i = 1; i <= length(hex); i++) {
        n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
    }
    return n
}
BEGIN {
    FS = ";"
    print "# Derived from the Unicode Character Database 15.0.0 by unicode-tables.awk; that says what the tags mean."
    print "# Copyright (c) 1991-2022 Unicode, Inc. Terms of use: https://www.unicode.org/terms_of_use.html"
}
FILENAME ~ /DerivedNormalizationProps/ && $2 ~ /Full_Composition_Exclusion/ {
    split($1, range, /[. ]+/)
    last = range[2] == "" ? range[1] : range[2]
    for (n = number(range[1]); n <= number(last); n++) {
        excluded[n] = 1
    }
}
FILENAME ~ /UnicodeData/ {
    if ($4 != 0) {
        print "M " $1 " " $4
    }
    if ($6 != "") {
        mapping = $6
        tag = number($1) in excluded ? "c" : "C"
        if (mapping ~ /^</) {
            tag = mapping ~ /^<(wide|narrow)>/ ? "W" : "K"
            sub(/^<[^>]*> /, "", mapping)
        }
        print tag " " $1 " " mapping
    }
}
