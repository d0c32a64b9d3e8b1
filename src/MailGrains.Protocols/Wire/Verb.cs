namespace MailGrains.Protocols.Wire;

/// <summary>A command's first word as a number, so that looking it up compares no text and makes no string.</summary>
internal static class Verb
{
    private const int MaxBytes = 8;

    /// <summary>
    /// Up to eight octets, letters in upper case; 0 for what can be no verb. Under the mask only letters become letters, so nothing else is
    /// mistaken for a verb.
    /// </summary>
    public static ulong KeyOf(ReadOnlySpan<byte> verb)
    {
        if (verb.Length > MaxBytes)
        {
            return 0;
        }

        ulong key = 0;
        foreach (var octet in verb)
        {
            key = (key << 8) | (octet & 0xDFu);
        }

        return key;
    }

    /// <summary>The key of a line's verb, and what follows its space.</summary>
    public static ulong Split(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> arguments)
    {
        var space = line.IndexOf((byte)' ');
        arguments = space < 0 ? default : line[(space + 1)..];
        return KeyOf(space < 0 ? line : line[..space]);
    }
}
