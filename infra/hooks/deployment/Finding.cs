namespace MailGrains.Deployment;

public enum Weight
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>May go wrong, or could not be looked at.</summary>
    Warning,

    /// <summary>The deployment is certain to fail, or to do harm.</summary>
    Failure,
}

/// <summary>What a check before the deployment found.</summary>
/// <param name="Weight">Only <see cref="Weight.Failure" /> stops the deployment.</param>
/// <param name="Text">One sentence or more, with what to do.</param>
public sealed record Finding(Weight Weight, string Text)
{
    public override string ToString() => Weight switch
    {
        Weight.Good => $"  ok       {Text}",
        Weight.Warning => $"  WARNING  {Text}",
        _ => $"  FAILURE  {Text}",
    };
}
