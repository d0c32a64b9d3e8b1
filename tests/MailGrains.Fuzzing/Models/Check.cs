using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Fuzzing.Models;

/// <summary>What a target says when something is wrong.</summary>
public sealed class FindingException(string message) : Exception(message);

internal static class Check
{
    public static void That([DoesNotReturnIf(false)] bool isSo, string otherwise)
    {
        if (!isSo)
        {
            throw new FindingException(otherwise);
        }
    }

    public static void Same(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string what)
    {
        if (!expected.SequenceEqual(actual))
        {
            throw new FindingException($"{what}\nexpected {Octets.Text(expected)}\nbut was {Octets.Text(actual)}");
        }
    }
}
