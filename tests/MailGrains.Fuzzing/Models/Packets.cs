namespace MailGrains.Fuzzing.Models;

/// <summary>The first octet of an input says how the others are cut into packets: 0 not at all, 1 each alone, others into some of random sizes.</summary>
internal static class Packets
{
    public static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> input) => input.IsEmpty ? input : input[1..];

    public static IEnumerable<ReadOnlyMemory<byte>> Cut(byte[] input)
    {
        var rest = input.AsMemory(Math.Min(1, input.Length));
        var cut = input.Length == 0 ? 0 : input[0];
        var state = (uint)cut;
        while (!rest.IsEmpty)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            var size = cut switch { 0 => rest.Length, 1 => 1, _ => 1 + (int)((state >> 16) % (cut + 1)) };
            size = Math.Min(size, rest.Length);
            yield return rest[..size];
            rest = rest[size..];
        }
    }
}
