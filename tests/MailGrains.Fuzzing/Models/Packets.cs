namespace MailGrains.Fuzzing.Models;

/// <summary>
/// The first octet of an input says how the others are cut into packets: 0 not at all, 1 each alone, others into some of random sizes. After so many
/// packets the rest comes as one, since it is they that take time.
/// </summary>
internal static class Packets
{
    private const int Most = 48;

    public static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> input) => input.IsEmpty ? input : input[1..];

    public static IEnumerable<ReadOnlyMemory<byte>> Cut(byte[] input)
    {
        var rest = input.AsMemory(Math.Min(1, input.Length));
        var cut = input.Length == 0 ? 0 : input[0];
        var state = (uint)cut;
        for (var count = 1; !rest.IsEmpty; count++)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            var size = cut switch { 0 => rest.Length, 1 => 1, _ => 1 + (int)((state >> 16) % (cut + 1)) };
            size = count == Most ? rest.Length : Math.Min(size, rest.Length);
            yield return rest[..size];
            rest = rest[size..];
        }
    }
}
