namespace MailGrains.Storage.Blobs;

/// <summary>
/// What a blob may be called, on every store: 1 to 1,024 characters (Azure's limit) in at most 32 segments joined by '/', each of
/// the characters that <see cref="Tables.TableKey"/> writes and none ending with a dot (so none is "." or ".."; Azure drops a
/// trailing dot). A name that breaks this is <see cref="StoreFailure.Refused"/>.
/// </summary>
public static class BlobName
{
    public const int MaxChars = 1024;
    public const int MaxSegments = 32;

    /// <summary>The reason why no blob can have this name, or null.</summary>
    public static string? Violation(string name)
    {
        if (name.Length is 0 or > MaxChars)
        {
            return $"a blob's name has 1 to {MaxChars} characters, not {name.Length}";
        }

        return name[^1] is '/' or '.' ? "a blob's name ends with neither '/' nor '.'" : PrefixViolation(name);
    }

    /// <summary>The reason why no blob's name can start with this text, or null. The empty prefix is every name's.</summary>
    public static string? PrefixViolation(string prefix)
    {
        if (prefix.Length > MaxChars)
        {
            return $"a blob's name has at most {MaxChars} characters";
        }

        var segments = 1;
        for (var i = 0; i < prefix.Length; i++)
        {
            var c = prefix[i];
            if (c == '/')
            {
                if (i == 0 || prefix[i - 1] is '/' or '.')
                {
                    return "a segment of a blob's name is not empty and does not end with a dot";
                }

                segments++;
            }
            else if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '@' or '+' or ':' or ',' or ' ' or '='))
            {
                return $"a blob's name must not hold the character U+{(int)c:X4}";
            }
        }

        return segments > MaxSegments ? $"a blob's name has at most {MaxSegments} segments" : null;
    }
}
