using System.Globalization;

namespace MailGrains.Messages.Dsn;

/// <summary>An enhanced status code (RFC 3463 §2): class 2, 4 or 5, subject and detail of up to three digits.</summary>
public readonly record struct DeliveryStatus(int Class, int Subject, int Detail)
{
    /// <summary>Null where the text is none.</summary>
    public static DeliveryStatus? Parse(ReadOnlySpan<char> text)
    {
        Span<Range> parts = stackalloc Range[4];
        return text.Split(parts, '.') == 3
            && Number(text[parts[0]]) is { } @class and (2 or 4 or 5) && Number(text[parts[1]]) is { } subject && Number(text[parts[2]]) is { } detail
            ? new DeliveryStatus(@class, subject, detail)
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Class}.{Subject}.{Detail}");

    private static int? Number(ReadOnlySpan<char> digits) =>
        digits.Length is >= 1 and <= 3 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
