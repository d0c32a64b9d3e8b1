namespace MailGrains.Testing.Smtp;

/// <summary>How often a <see cref="WorldServer"/> does not simply take a message: shares of all transactions.</summary>
public sealed record WorldMix(double Defers, double Refuses, double Drops, double Delays)
{
    /// <summary>Takes everything at once.</summary>
    public static WorldMix Kind { get; } = new(0, 0, 0, 0);

    /// <summary>As servers out there are on a bad day.</summary>
    public static WorldMix World { get; } = new(0.05, 0.01, 0.02, 0.02);

    /// <summary>The most that a reply waits.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    internal WorldPlan Plan(Random random)
    {
        var share = random.NextDouble();
        var act = (share -= Defers) < 0 ? WorldAct.Defer
            : (share -= Refuses) < 0 ? WorldAct.Refuse
            : (share -= Drops) < 0 ? WorldAct.Drop
            : (share -= Delays) < 0 ? WorldAct.Delay
            : WorldAct.Take;

        // A refusal for good is the recipient's, or the content's.
        var isFirst = random.Next(2) == 0;
        var step = act != WorldAct.Refuse ? (WorldStep)random.Next((int)WorldStep.End + 1) : isFirst ? WorldStep.Rcpt : WorldStep.End;
        return new WorldPlan(act, step, isFirst);
    }
}

/// <param name="KeepsFirst">With a drop at the end: the message was taken before.</param>
internal readonly record struct WorldPlan(WorldAct Act, WorldStep Step, bool KeepsFirst)
{
    public bool Is(WorldAct act, WorldStep step) => Act == act && Step == step;
}

internal enum WorldAct
{
    Take,
    Defer,
    Refuse,
    Drop,
    Delay,
}

internal enum WorldStep
{
    Mail,
    Rcpt,
    Data,
    End,
}
