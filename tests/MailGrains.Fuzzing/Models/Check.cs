using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

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

    public static void That([DoesNotReturnIf(false)] bool isSo, [InterpolatedStringHandlerArgument(nameof(isSo))] Otherwise otherwise)
    {
        if (!isSo)
        {
            throw new FindingException(otherwise.ToString());
        }
    }

    public static void Same(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string what)
    {
        if (!expected.SequenceEqual(actual))
        {
            throw new FindingException($"{what}\nexpected {Octets.Text(expected)}\nbut was {Octets.Text(actual)}");
        }
    }

    /// <summary>A text that is made only when it is needed.</summary>
    [InterpolatedStringHandler]
    public readonly struct Otherwise
    {
        private readonly System.Text.StringBuilder? _text;

        public Otherwise(int literalLength, int formattedCount, bool isSo, out bool isNeeded)
        {
            isNeeded = !isSo;
            _text = isNeeded ? new(literalLength + (16 * formattedCount)) : null;
        }

        public void AppendLiteral(string text) => _text!.Append(text);

        public void AppendFormatted<T>(T value) => _text!.Append(value);

        public override string ToString() => _text?.ToString() ?? "";
    }
}
