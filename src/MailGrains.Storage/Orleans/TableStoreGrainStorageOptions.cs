using Orleans.Storage;

namespace MailGrains.Storage.Orleans;

/// <summary>Options of one named grain storage.</summary>
public sealed class TableStoreGrainStorageOptions : IStorageProviderSerializerOptions
{
    public const string DefaultTableName = "OrleansGrainState";

    public string TableName { get; set; } = DefaultTableName;

    /// <summary>
    /// False: a cleared state keeps an empty row, so that a stale activation can't write it again as new. True: the row goes.
    /// </summary>
    public bool DeleteStateOnClear { get; set; }

    /// <summary>
    /// How states become bytes. Unset: the <see cref="IGrainStorageSerializer"/> registered under the storage's name, else the one
    /// registered for all (save Orleans' default, Newtonsoft's JSON), else Orleans' own serializer.
    /// </summary>
    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;
}
