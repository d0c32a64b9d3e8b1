using System.Text;

namespace MailGrains.Fuzzing.Models;

/// <summary>Octets as text, one char each.</summary>
internal static class Octets
{
    public static byte[] Of(string text) => Encoding.Latin1.GetBytes(text);

    public static IReadOnlyList<byte[]> All(params IEnumerable<string> texts) => [.. texts.Select(Of)];

    public static string Text(ReadOnlySpan<byte> octets) => Encoding.Latin1.GetString(octets);
}
