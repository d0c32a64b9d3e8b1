namespace MailGrains.Messages.Headers;

/// <summary>
/// Text for the value of a header field. It cannot hold CR, LF or NUL, or any other control character: each becomes a space, and text that is
/// no valid UTF-16 gets U+FFFD where it is not.
/// </summary>
public readonly record struct HeaderText
{
    private readonly string? _value;

    private HeaderText(string value) => _value = value;

    public string Value => _value ?? "";

    public static HeaderText Of(string text) => new(IsClean(text) ? text : Clean(text));

    public override string ToString() => Value;

    private static bool IsClean(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029')
            {
                return false;
            }
        }

        return true;
    }

    private static string Clean(string text) => string.Create(text.Length, text, static (target, source) =>
    {
        for (var i = 0; i < source.Length; i++)
        {
            var c = source[i];
            if (char.IsHighSurrogate(c) && i + 1 < source.Length && char.IsLowSurrogate(source[i + 1]))
            {
                target[i] = c;
                target[i + 1] = source[i + 1];
                i++;
            }
            else
            {
                target[i] = char.IsSurrogate(c) ? '\uFFFD' : char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c;
            }
        }
    });
}
