namespace MailGrains.EndToEnd.Tests;

/// <summary>What is measured there would depend on what runs beside it: its tests run when all others have ended, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
