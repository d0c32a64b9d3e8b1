using System.Text;
using MailGrains.Messages.Summaries;

namespace MailGrains.Messages.Tests.Summaries;

/// <summary>Messages written as text, <c>|</c> standing for CRLF, and their summaries.</summary>
internal static class Mail
{
    public static SummaryReader Reader { get; } = new();

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text.Replace("|", "\r\n", StringComparison.Ordinal));

    public static MessageSummary Read(string text) => Reader.Read(Bytes(text));

    /// <summary>The body of a part as the summary's offsets say.</summary>
    public static string BodyOf(string text, BodyPart part) => Slice(text, part.BodyOffset, part.BodyLength);

    /// <summary>The MIME header of a part as the summary's offsets say.</summary>
    public static string HeaderOf(string text, BodyPart part) => Slice(text, part.HeaderOffset, part.BodyOffset - part.HeaderOffset);

    public static string Shape(BodyPart part)
    {
        var shape = $"{part.Type}/{part.Subtype}";
        return part.Parts.IsEmpty ? shape : $"{shape}({string.Join(' ', part.Parts.Select(Shape))})";
    }

    private static string Slice(string text, long from, long length) =>
        Encoding.UTF8.GetString(Bytes(text).AsSpan((int)from, (int)length)).Replace("\r\n", "|", StringComparison.Ordinal);
}
